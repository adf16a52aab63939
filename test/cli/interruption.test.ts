/** Ctrl-C and SIGTERM: what is kept is told, and kept. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createTestCa, TestResponder } from 'openssl-ocsp/testing';
import { scratch } from '../bulk/scratch.js';
import { command } from '../helpers/command.js';

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const ROWS = 40_000;

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command, and sends the signal when `isTime` holds for what it has printed, or when it has run for a moment. */
async function interrupted(
  args: readonly string[],
  signal: NodeJS.Signals,
  isTime: (stdout: string) => boolean,
  input?: string,
): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args]);
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      text[name] += chunk;
    });
  const watch = setInterval(() => {
    if (!isTime(text.stdout)) return;
    clearInterval(watch);
    child.kill(signal);
  }, 5);
  child.stdin.on('error', () => undefined);
  if (input !== undefined) child.stdin.write(input);
  const [code, by] = (await once(child, 'close')) as [number | null, string | null];
  clearInterval(watch);
  return { code, signal: by, ...text };
}

/** Bytes of the segments in a folder, which grow with each checkpoint. */
function octets(folder: string): number {
  if (!existsSync(folder)) return 0;
  const segments = readdirSync(folder).filter((name) => name.endsWith('.seg'));
  return segments.reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

function setUp(t: ExecutionContext): { at: (name: string) => string; sign: string[] } {
  const folder = scratch(t);
  const at = (name: string): string => join(folder, name);
  const ca = createTestCa();
  writeFileSync(at('ca.pem'), ca.certificatePem);
  writeFileSync(at('ca.key'), ca.privateKeyPem);
  const serials = Array.from(
    { length: ROWS },
    (_, i) => `V\t301231235959Z\t\t${(i + 4096).toString(16)}\tunknown\t/CN=${i}\n`,
  );
  writeFileSync(at('index.txt'), serials.join(''));
  const signer = ['--issuer', at('ca.pem'), '--signer', at('ca.pem'), '--key', at('ca.key')];
  return { at, sign: ['bulk-sign', ...signer, '--out', at('store'), '--threads', '1', '--cert-id-hash', 'sha1'] };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`bulk-sign, ${signal}: tells what is kept, exits 1, and goes on from there`, async (t) => {
    const { at, sign } = setUp(t);
    const args = [...sign, '--index', at('index.txt'), '--checkpoint-every', '50'];
    const state = async (): Promise<number> => {
      const { stdout } = await command(['store', 'ls', at('store')]);
      return stdout.split('\n').length - 1;
    };
    const run = await interrupted(args, signal, () => octets(at('store')) > 100_000);
    t.deepEqual([run.code, run.signal, run.stdout], [1, null, '']);
    const [, kept = '0'] =
      /^openssl-ocsp bulk-sign: interrupted; (\d+) of about 40000 certificates are kept, and none is served yet: the same command goes on from there\n$/m.exec(
        run.stderr,
      ) ?? [];
    t.true(Number(kept) >= 50, run.stderr);
    t.is(Number(kept) % 50, 0);
    t.is(await state(), 0);
    const whole = await command([...args, '--json']);
    const { signed, resumedFrom } = JSON.parse(whole.stdout) as { signed: number; resumedFrom: number };
    t.true(resumedFrom >= Number(kept), `${resumedFrom}, ${kept}`);
    t.is(signed + resumedFrom, ROWS);
    t.is(await state(), ROWS);
  });

test('bulk-sign from a pipe keeps nothing, and says so', async (t) => {
  const { at, sign } = setUp(t);
  // As many as are written to a segment before the end of the list.
  const rows = Array.from({ length: 2000 }, (_, i) => `V\t301231235959Z\t\t${4096 + i}\tunknown\t/CN=1\n`).join('');
  const run = await interrupted([...sign, '--index', '-'], 'SIGINT', () => octets(at('store')) > 0, rows);
  t.deepEqual([run.code, run.signal], [1, null]);
  t.regex(run.stderr, /interrupted; a list in a pipe is not continued: nothing is kept\n$/);
});

test('query --watch ends with the code of the last answers', async (t) => {
  const { at } = setUp(t);
  const ca = createTestCa();
  const leaf = ca.issue();
  await using responder = await TestResponder.start(ca);
  writeFileSync(at('issuer.pem'), ca.certificatePem);
  writeFileSync(at('leaf.pem'), leaf.certificatePem);
  const args = [
    'query',
    '--cert',
    at('leaf.pem'),
    '--issuer',
    at('issuer.pem'),
    '--url',
    responder.url,
    '--watch',
    '--json',
  ];
  for (const [behaviour, code] of [
    ['good', 0],
    ['revoked', 3],
  ] as const) {
    responder.behaviour = behaviour;
    const run = await interrupted(args, 'SIGINT', (stdout) => stdout.includes('\n'));
    t.deepEqual([run.code, run.signal], [code, null], run.stderr);
  }
});
