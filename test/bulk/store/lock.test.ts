import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { WriterLock } from '#dist/bulk/store/writer-lock.js';
import { testIf } from '../../helpers/conditional.js';
import { scratch } from '../scratch.js';

const LOCKED = { code: 'ERR_OCSP_STORE_LOCKED' };

function lockFile(folder: string): string {
  const name = readdirSync(folder).find((file) => /^LOCK\.\d+$/.test(file));
  return join(folder, name as string);
}

/** Changes what the lock file says about its owner. */
function pretend(folder: string, change: object): void {
  const path = lockFile(folder);
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
}

test('it is taken by one, and by the next when it was given back', (t) => {
  const folder = scratch(t);
  for (let round = 0; round < 3; round += 1) {
    const lock = WriterLock.acquire(folder);
    t.throws(() => WriterLock.acquire(folder), LOCKED);
    t.throws(() => WriterLock.acquire(folder, true), LOCKED, 'a live process is never robbed');
    lock.release();
  }
  t.is(readdirSync(folder).length, 1, 'no rubbish');
});

test('a process that has the pid of a dead owner is not taken for it', (t) => {
  const folder = scratch(t);
  WriterLock.acquire(folder);
  if (process.platform === 'linux') {
    pretend(folder, { started: '1' });
    t.notThrows(() => WriterLock.acquire(folder));
  }
  pretend(folder, { pid: 2 ** 22 + 1 });
  t.notThrows(() => WriterLock.acquire(folder));
});

testIf(process.platform === 'linux')('a dead process whose parent has not asked for it is dead', async (t) => {
  const folder = scratch(t);
  // A shell that becomes another program, which never waits for the child that it has.
  const holder = `const { WriterLock } = await import(${JSON.stringify(import.meta.resolve('#dist/bulk/store/writer-lock.js'))});
    WriterLock.acquire(${JSON.stringify(folder)}); process.kill(process.pid, 'SIGKILL');`;
  const script = '"$0" --input-type=module -e "$1" & echo $!; exec sleep 60';
  const parent = spawn('sh', ['-c', script, process.execPath, holder], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer];
  const stat = (): string => readFileSync(`/proc/${Number(String(line))}/stat`, 'latin1');
  while (!stat().includes(') Z ')) await sleep(20);
  t.notThrows(() => process.kill(Number(String(line)), 0), 'it is still there');
  t.is((JSON.parse(readFileSync(lockFile(folder), 'utf8')) as { pid: number }).pid, Number(String(line)));
  t.notThrows(() => WriterLock.acquire(folder));
});

test('an owner before the last boot is dead, one elsewhere cannot be judged', (t) => {
  const folder = scratch(t);
  WriterLock.acquire(folder);
  pretend(folder, { boot: 'earlier' });
  WriterLock.acquire(folder);
  pretend(folder, { host: 'elsewhere', boot: 'other' });
  t.throws(() => WriterLock.acquire(folder), { ...LOCKED, message: /cannot be seen from here/ });
  WriterLock.acquire(folder, true);
  pretend(folder, { namespace: 'pid:[1]' });
  t.throws(() => WriterLock.acquire(folder), LOCKED);
  WriterLock.acquire(folder, true);
  writeFileSync(lockFile(folder), '');
  t.notThrows(() => WriterLock.acquire(folder), 'emptied by a power cut');
});

test('of many processes that find a dead owner, each has the lock for itself', async (t) => {
  const folder = join(scratch(t), 'store');
  mkdirSync(folder);
  WriterLock.acquire(folder);
  pretend(folder, { pid: 2 ** 22 + 1 });
  // Whoever has the lock makes a folder, which fails if another one is there, and removes it.
  const program = `
    import { mkdirSync, rmdirSync } from 'node:fs';
    import { WriterLock } from ${JSON.stringify(import.meta.resolve('#dist/bulk/store/writer-lock.js'))};
    const inside = ${JSON.stringify(join(folder, '..', 'inside'))};
    let had = 0;
    const until = Date.now() + 20000;
    while (had < 25 && Date.now() < until) {
      let lock;
      try { lock = WriterLock.acquire(${JSON.stringify(folder)}); }
      catch (error) {
        if (error.code !== 'ERR_OCSP_STORE_LOCKED') throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        continue;
      }
      mkdirSync(inside);
      await new Promise((resolve) => setImmediate(resolve));
      rmdirSync(inside);
      had += 1;
      if (Math.random() < 0.9) lock.release(); else process.kill(process.pid, 'SIGKILL');
    }`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'ignore', 'pipe'] }),
  );
  const ends = await Promise.all(children.map(endOf));
  for (const { code, signal, stderr } of ends) t.true(code === 0 || signal === 'SIGKILL', stderr);
  t.notThrows(() => WriterLock.acquire(folder));
});

async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stderr };
}
