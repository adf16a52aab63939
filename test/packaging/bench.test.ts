import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testIf } from '../helpers/conditional.js';
import { hasPostgres } from '../helpers/postgres-server.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
// The C++ baseline is compiled against the headers beside the running Node.
const headers = existsSync(join(dirname(dirname(process.execPath)), 'include', 'node', 'node_api.h'));
// A sanitized process cannot host a module of another build, and nothing here is about speed.
const plain = !process.env['OCSP_TEST_INSTRUMENTED'];

interface Report {
  readonly groups: readonly {
    readonly name: string;
    readonly tables: readonly {
      readonly rows: readonly {
        readonly name: string;
        readonly opsPerSecond: number;
        readonly heapBytes: number;
      }[];
    }[];
  }[];
}

testIf(headers && plain)('the benchmark runs, reports and draws', (t) => {
  t.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bench-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const args = ['bench/main.mjs', '--quick', '--no-peers', '--json', '-', '--svg', folder];
  const { groups } = JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })) as Report;
  const names = groups.map(({ name }) => name);
  const engines = hasPostgres ? ['engines'] : [];
  const expected = [
    'bulk',
    'client',
    'command',
    ...engines,
    'fresh',
    'lists',
    'parse',
    'request',
    'responder',
    'sign',
    'store',
    'verdict',
    'verify',
  ];
  t.deepEqual(names, expected);
  t.deepEqual(
    readdirSync(folder).sort(),
    names.map((name) => `${name}.svg`),
  );
  for (const { name, tables } of groups) {
    t.regex(readFileSync(join(folder, `${name}.svg`), 'utf8'), /^<svg [\s\S]*class="own"[\s\S]*<\/svg>\s*$/);
    t.is(tables.length, 1, name);
    for (const row of tables.flatMap(({ rows }) => rows)) {
      t.true(row.opsPerSecond > 0, `${name}: ${row.name}`);
      t.true(Number.isFinite(row.heapBytes), `${name}: ${row.name}`);
    }
  }
});

testIf(plain)('what a benchmark starts is there', (t) => {
  const sources = readdirSync(join(root, 'bench'), { recursive: true, encoding: 'utf8' });
  const named = sources
    .filter((name) => name.endsWith('.mjs'))
    .flatMap((name) => {
      const file = join(root, 'bench', name);
      const found = readFileSync(file, 'utf8').matchAll(/new URL\('([^']+)', import\.meta\.url\)/g);
      return Array.from(found, ([, path]) => join(dirname(file), path as string));
    });
  t.true(named.length > 5);
  t.deepEqual(
    named.filter((path) => !existsSync(path)),
    [],
  );
});

testIf(plain)('the benchmark of scale runs, and reports every job', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bench-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const args = ['bench/bulk-scale.mjs', '--quick', '--svg', folder];
  const output = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  for (const job of ['signAll', 'bulkSign', 'index.txt', 'CSV', 'NDJSON', 'CRL']) {
    t.regex(output, new RegExp(`^  ${job}, 100 +[\\d.]+ .*/s +[\\d.]+ .*/s +\\d+ MiB`, 'm'));
  }
  t.regex(readFileSync(join(folder, 'bulk-scale.svg'), 'utf8'), /^<svg [\s\S]*100 responses[\s\S]*<\/svg>\s*$/);
});

testIf(plain)('heap: what is allocated counts, however often it is collected', async (t) => {
  const { measure } = (await import(new URL('../../../bench/measure.mjs', import.meta.url).href)) as {
    measure(contenders: object[], effort: object): Promise<{ heapBytes: number }[]>;
  };
  let sink: unknown;
  const loop = (operation: (i: number) => unknown) => (iterations: number) => {
    for (let i = 0; i < iterations; i += 1) sink = operation(i);
  };
  // Ten doubles are 80 bytes, and the array has two headers.
  const array = { name: 'array', run: loop((i) => [i + 0.5, i, i, i, i, i, i, i, i, i]) };
  const nothing = { name: 'nothing', run: loop((i) => i & 1) };
  const [first, second] = await measure([array, nothing], { rounds: 1, milliseconds: 200 });
  t.true(sink !== undefined);
  t.true((first?.heapBytes ?? 0) >= 100 && (first?.heapBytes ?? 0) < 200, String(first?.heapBytes));
  t.true((second?.heapBytes ?? 9) < 1, String(second?.heapBytes));
});
