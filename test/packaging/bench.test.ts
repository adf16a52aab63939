import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../..', import.meta.url));
// The C++ baseline is compiled against the headers beside the running Node.
const headers = existsSync(join(dirname(dirname(process.execPath)), 'include', 'node', 'node_api.h'));
// A sanitized process cannot host a module of another build, and nothing here is about speed.
const plain = !process.env['OCSP_TEST_INSTRUMENTED'];

interface Report {
  readonly quick: boolean;
  readonly peakRssMiB: number;
  readonly groups: readonly {
    readonly name: string;
    readonly tables: readonly {
      readonly title: string;
      readonly rows: readonly { readonly name: string; readonly kind: string; readonly opsPerSecond: number }[];
    }[];
  }[];
}

(headers && plain ? test : test.skip)('the benchmark runs, reports and draws', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ocsp-bench-'));
  const names = ['sign', 'parse', 'request'];
  const args = ['bench/main.mjs', ...names, '--quick', '--no-peers', '--svg', folder, '--json', '-'];
  const report = JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })) as Report;
  t.true(report.quick);
  t.true(report.peakRssMiB > 0);
  t.deepEqual(
    report.groups.map(({ name, tables }) => [name, tables.length]),
    names.map((name) => [name, 1]),
  );
  for (const { name, tables } of report.groups) {
    const { title, rows } = tables[0]!;
    t.is(rows[0]?.kind, 'limit', title);
    t.true(
      rows.some(({ kind }) => kind === 'own'),
      title,
    );
    for (const { name: contender, opsPerSecond } of rows) t.true(opsPerSecond > 0, `${title}: ${contender}`);
    const svg = readFileSync(join(folder, `${name}.svg`), 'utf8');
    t.regex(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*<\/svg>\n$/s);
    t.true(svg.includes(title));
  }
});

(headers && plain ? test : test.skip)('the benchmark names the groups it has', (t) => {
  const error = t.throws(() =>
    execFileSync(process.execPath, ['bench/main.mjs', 'nonsense'], { cwd: root, stdio: 'pipe' }),
  ) as Error & { stderr: Buffer };
  t.regex(error.stderr.toString(), /There is no group 'nonsense'/);
});
