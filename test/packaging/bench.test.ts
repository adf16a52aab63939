import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../..', import.meta.url));
// The C++ baseline is compiled against the headers beside the running Node.
const headers = existsSync(join(dirname(dirname(process.execPath)), 'include', 'node', 'node_api.h'));
// A sanitized process cannot host a module of another build, and nothing here is about speed.
const plain = !process.env['OCSP_TEST_INSTRUMENTED'];

(headers && plain ? test : test.skip)('the benchmark runs and reports', (t) => {
  const args = ['bench/main.mjs', 'sign', 'parse', 'request', '--quick', '--no-peers', '--json', '-'];
  const report = JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })) as {
    results: { title: string; rows: { name: string; opsPerSecond: number }[] }[];
  };
  t.deepEqual(
    report.results.map(({ title }) => title),
    ['sign, P-256', 'load a response, responder by key', 'build a request', 'load a request, read its CertID'],
  );
  for (const { title, rows } of report.results) {
    t.true(rows.length >= 2, title);
    for (const { name, opsPerSecond } of rows) t.true(opsPerSecond > 0, `${title}: ${name}`);
  }
});
