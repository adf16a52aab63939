import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testIf } from '../helpers/conditional.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
// The C++ baseline is compiled against the headers beside the running Node.
const headers = existsSync(join(dirname(dirname(process.execPath)), 'include', 'node', 'node_api.h'));
// A sanitized process cannot host a module of another build, and nothing here is about speed.
const plain = !process.env['OCSP_TEST_INSTRUMENTED'];

interface Report {
  readonly groups: readonly {
    readonly name: string;
    readonly tables: readonly { readonly rows: readonly { readonly name: string; readonly opsPerSecond: number }[] }[];
  }[];
}

testIf(headers && plain)('the benchmark runs, reports and draws', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bench-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const args = ['bench/main.mjs', '--quick', '--no-peers', '--json', '-', '--svg', folder];
  const { groups } = JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })) as Report;
  const names = groups.map(({ name }) => name);
  t.deepEqual(names, ['bulk', 'parse', 'request', 'sign', 'verdict', 'verify']);
  t.deepEqual(
    readdirSync(folder).sort(),
    names.map((name) => `${name}.svg`),
  );
  for (const { name, tables } of groups) {
    t.regex(readFileSync(join(folder, `${name}.svg`), 'utf8'), /^<svg [\s\S]*class="own"[\s\S]*<\/svg>\s*$/);
    t.is(tables.length, 1, name);
    for (const row of tables.flatMap(({ rows }) => rows)) t.true(row.opsPerSecond > 0, `${name}: ${row.name}`);
  }
});

testIf(plain)('the benchmark of scale runs, and reports every job', (t) => {
  const output = execFileSync(process.execPath, ['bench/bulk-scale.mjs', '--quick'], { cwd: root, encoding: 'utf8' });
  for (const job of ['signAll', 'bulkSign', 'index.txt', 'CSV', 'NDJSON', 'CRL']) {
    t.regex(output, new RegExp(`^  ${job}, 100 +[\\d.]+ .*/s +[\\d.]+ .*/s +\\d+ MiB`, 'm'));
  }
});
