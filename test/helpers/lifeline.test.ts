import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { testIf } from './conditional.js';

const starter = fileURLToPath(new URL('./lifeline-starter.js', import.meta.url));

testIf(process.platform !== 'win32')(
  'a server ends, and its folder goes, with the process or the thread that started it',
  async (t) => {
    t.timeout(120_000);
    for (const kind of ['process', 'thread', 'stopped'] as const) {
      const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-lifeline-'));
      const parent = kind === 'thread' ? new Worker(starter, { argv: [folder] }) : fork(starter, [folder]);
      const [pid] = (await once(parent, 'message')) as [number];
      t.true(process.kill(pid, 0));
      if (kind === 'stopped') process.kill(pid, 'SIGSTOP');
      if (parent instanceof Worker) await parent.terminate();
      else parent.kill('SIGKILL');
      while (existsSync(folder)) await sleep(20);
      // (Of a thread that has ended no one takes note of the end of its processes.)
      const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
      t.regex(stdout, /^(Z.*)?\s*$/, kind);
    }
  },
);
