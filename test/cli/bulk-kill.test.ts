/** The whole command, killed again and again at random moments: in the end the store is that of a run that never was. */
import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createTestCa } from 'openssl-ocsp/testing';
import { scratch } from '../bulk/scratch.js';
import { randomFrom } from '../helpers/random.js';
import { repeated } from '../helpers/repeated.js';

const COMMAND = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const KILLS = repeated(40);
const COMPACTION_KILLS = repeated(20);
const COUNT = 6000;
const NOW = Date.parse('2026-03-04T05:06:07Z');

/**
 * Everything in a response follows from its inputs and the clock, as Ed25519 is deterministic. The clock is stopped from
 * outside, so that the responses of many processes are the same, byte for byte.
 */
function setUp(t: ExecutionContext): { at: (name: string) => string; run: (...args: string[]) => string[] } {
  const folder = scratch(t);
  const at = (name: string): string => join(folder, name);
  const ca = createTestCa({ keyType: 'ed25519', notBefore: new Date(NOW - 86_400_000) });
  writeFileSync(at('ca.pem'), ca.certificatePem);
  writeFileSync(at('ca.key'), ca.privateKeyPem);
  writeFileSync(at('clock.mjs'), `Date.now = () => ${NOW};\n`);
  // Serial numbers in no order, every tenth revoked.
  const rows = Array.from({ length: COUNT }, (_, i) => {
    const serial = ((BigInt(i + 1) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % 2n ** 127n).toString(16).toUpperCase();
    const state = i % 10 === 0 ? 'R\t301231235959Z\t260102030405Z,keyCompromise' : 'V\t301231235959Z\t';
    return `${state}\t${serial.padStart(32, '0')}\tunknown\t/CN=${i}\n`;
  });
  writeFileSync(at('index.txt'), rows.join(''));
  return { at, run: (...args) => ['--import', pathToFileURL(at('clock.mjs')).href, COMMAND, ...args] };
}

/** Starts a process and kills it so many milliseconds after `began` has said so, or lets it end. Whether it ended by itself. */
async function lives(args: readonly string[], began: () => boolean, milliseconds?: number): Promise<boolean> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const closed = once(child, 'close');
  let ended = false;
  void closed.then(() => {
    ended = true;
  });
  if (milliseconds !== undefined) {
    while (!ended && !began()) await sleep(2);
    await Promise.race([closed, sleep(milliseconds)]);
    child.kill('SIGKILL');
  }
  const [code, signal] = (await closed) as [number | null, string | null];
  if (signal === null && code !== 0) throw new Error(`exit code ${code}`);
  return signal === null;
}

/** Bytes of the segments in a folder, which grow with each checkpoint. */
function octets(folder: string): number {
  if (!existsSync(folder)) return 0;
  const segments = readdirSync(folder).filter((name) => name.endsWith('.seg'));
  return segments.reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Whether the run is what the store serves. */
function isPublished(folder: string): boolean {
  const path = join(folder, 'MANIFEST');
  if (!existsSync(path)) return false;
  const [manifest = ''] = readFileSync(path, 'utf8').split('\n');
  return (JSON.parse(manifest) as { lastRun: unknown }).lastRun !== null;
}

function succeeds(t: ExecutionContext, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.is(status, 0, stderr);
  return stdout;
}

test.serial(`bulk-sign, killed ${KILLS} times`, async (t) => {
  t.timeout(600_000);
  const seed = randomInt(2 ** 31);
  t.log(`seed ${seed}`);
  const random = randomFrom(seed);
  const { at, run } = setUp(t);
  const sign = (store: string): string[] => {
    const identity = ['--issuer', at('ca.pem'), '--signer', at('ca.pem'), '--key', at('ca.key')];
    const pace = ['--checkpoint-every', '20', '--threads', '1'];
    return run('bulk-sign', ...identity, '--index', at('index.txt'), '--out', store, ...pace);
  };
  const archive = (store: string): Buffer => {
    succeeds(t, run('store', 'export', store, at('all.tar')));
    return readFileSync(at('all.tar'));
  };
  succeeds(t, sign(at('whole')));
  const expected = archive(at('whole'));

  let kills = 0;
  let rounds = 0;
  for (const store = at('killed'); kills < KILLS; rmSync(store, { recursive: true })) {
    for (let ended = false; !ended; ) {
      const before = octets(store);
      // Mostly while it signs; sometimes before that, while it starts, takes the lock, or recovers.
      const early = kills % 10 === 9;
      const lifetime = kills < KILLS ? random() * (early ? 400 : 130) : undefined;
      ended = await lives(sign(store), () => early || octets(store) > before, lifetime);
      if (!ended) kills += 1;
      // Killed between the publication and its end: the same command would begin again.
      ended ||= isPublished(store);
    }
    rounds += 1;
    t.deepEqual(JSON.parse(succeeds(t, run('store', 'verify', store, '--json'))), {
      segments: 1,
      responses: 2 * COUNT,
      problems: [],
    });
    t.like(JSON.parse(succeeds(t, run('store', 'stats', store, '--json'))), {
      entries: 2 * COUNT,
      unfinishedRun: null,
    });
    t.true(archive(store).equals(expected), 'every response, byte for byte');
  }
  t.log(`${kills} kills in ${rounds} runs to the end`);
});

test.serial('bulk-sign, killed as it publishes', async (t) => {
  t.timeout(600_000);
  const { at, run } = setUp(t);
  writeFileSync(at('short.txt'), readFileSync(at('index.txt'), 'utf8').split('\n').slice(0, 100).join('\n'));
  const identity = ['--issuer', at('ca.pem'), '--signer', at('ca.pem'), '--key', at('ca.key')];
  const sign = (store: string): string[] =>
    run('bulk-sign', ...identity, '--index', at('short.txt'), '--out', store, '--threads', '1');
  succeeds(t, sign(at('whole')));
  const content = (store: string): string => succeeds(t, run('store', 'ls', store));
  const expected = content(at('whole'));
  const store = at('killed');
  succeeds(t, sign(store));
  for (const moment of ['RUN', 'MANIFEST', '.seg', '.tmp']) {
    const child = spawn(process.execPath, sign(store), { stdio: 'ignore' });
    const closed = once(child, 'close');
    const watcher = watch(store, (_event, name) => {
      if (name?.includes(moment)) child.kill('SIGKILL');
    });
    await closed;
    watcher.close();
    t.is(content(store), expected, 'as before');
    succeeds(t, sign(store));
    t.is(content(store), expected);
    succeeds(t, run('store', 'verify', store));
  }
});

test.serial(`store compact, killed ${COMPACTION_KILLS} times`, async (t) => {
  t.timeout(600_000);
  const seed = randomInt(2 ** 31);
  t.log(`seed ${seed}`);
  const random = randomFrom(seed);
  const { at, run } = setUp(t);
  const identity = ['--issuer', at('ca.pem'), '--signer', at('ca.pem'), '--key', at('ca.key')];
  const sign = (hours: string): string[] =>
    run('bulk-sign', ...identity, '--index', at('index.txt'), '--out', at('store'), '--hours', hours);
  for (const hours of ['10', '20', '30']) succeeds(t, sign(hours));
  const archive = (): Buffer => {
    succeeds(t, run('store', 'export', at('store'), at('all.tar')));
    return readFileSync(at('all.tar'));
  };
  const expected = archive();
  for (let kills = 0; kills < COMPACTION_KILLS; ) {
    const before = octets(at('store'));
    const ended = await lives(
      run('store', 'compact', at('store')),
      () => octets(at('store')) !== before,
      random() * 25,
    );
    if (ended) succeeds(t, sign('40'));
    else if (++kills % 5 === 0) t.true(archive().equals(expected));
  }
  succeeds(t, run('store', 'compact', at('store')));
  t.deepEqual(JSON.parse(succeeds(t, run('store', 'verify', at('store'), '--json'))), {
    segments: 1,
    responses: 2 * COUNT,
    problems: [],
  });
});
