/** process.exit() while threads sign: the process ends as it was told, not by a signal. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { testIf } from '../helpers/conditional.js';

/** Takes some answers of a list without end, then ends; says how many threads there were before, while they signed, and at the end. */
const PROGRAM = `
  import { readdirSync } from 'node:fs';
  import { stat } from 'node:fs/promises';
  import { OCSPCertStatus } from 'openssl-ocsp';
  import { ResponseSigner } from 'openssl-ocsp/bulk';
  import { createTestCa } from 'openssl-ocsp/testing';
  const threads = () => readdirSync('/proc/self/task').length;
  const counts = [];
  process.on('exit', () => console.log(JSON.stringify([...counts, threads()])));
  const ca = createTestCa();
  const signer = new ResponseSigner({ issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey });
  function* entries() {
    for (let serialNumber = 1n; ; serialNumber += 1n) yield { serialNumber, status: OCSPCertStatus.GOOD };
  }
  // libuv's threads are there from now on.
  await Promise.all(Array.from({ length: 16 }, () => stat('.')));
  counts.push(threads());
  const runs = [1, 2].map((count) => signer.signAll(entries(), { threads: count }));
  for (let i = 0; i < 100; i += 1) for (const run of runs) await run.next();
  counts.push(threads());
  process.exit(7);
`;

const withTasks = testIf(existsSync('/proc/self/task'));

withTasks('the threads of all runs have ended when the process does', (t) => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    encoding: 'utf8',
    cwd: new URL('../../..', import.meta.url),
  });
  t.deepEqual([status, signal, stderr], [7, null, '']);
  const [before, during, after] = JSON.parse(stdout) as [number, number, number];
  t.deepEqual([during - before, after - before], [3, 0]);
});
