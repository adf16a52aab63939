/** `openssl-ocsp serve` as a process, over a CA that tests change. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { createTestCa } from 'openssl-ocsp/testing';
import { ask, statusIn } from '../responder/fixtures.js';

const execFileAsync = promisify(execFile);
const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
export const ca = createTestCa({ subject: 'CN=Serve CA' });
export const delegate = ca.issueResponder();
export const leaf = ca.issue({ serialNumber: 0x1001n });
export const GOOD_ROW = 'V\t301231235959Z\t\t1001\tunknown\t/CN=a\n';
export const OTHER_ROW = 'R\t301231235959Z\t260102030405Z,keyCompromise\t1002\tunknown\t/CN=b\n';
export const NOW_REVOKED = 'R\t301231235959Z\t260203040506Z\t1001\tunknown\t/CN=a\n';

/** A folder with what a CA has. */
export function folder(t: ExecutionContext): (name: string) => string {
  const path = mkdtempSync(join(tmpdir(), 'openssl-ocsp-serve-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  const at = (name: string): string => join(path, name);
  writeFileSync(at('ca.pem'), ca.certificatePem);
  writeFileSync(at('ocsp.pem'), delegate.certificatePem);
  writeFileSync(at('ocsp.key'), delegate.privateKeyPem);
  writeFileSync(at('leaf.pem'), leaf.certificatePem);
  writeFileSync(at('index.txt'), GOOD_ROW + OTHER_ROW);
  return at;
}

export const basic = (at: (name: string) => string): string[] => [
  ...['--issuer', at('ca.pem'), '--signer', at('ocsp.pem'), '--key', at('ocsp.key'), '--index', at('index.txt')],
];

export interface Served {
  readonly child: ChildProcess;
  readonly lines: Record<string, unknown>[];
  stdout: string;
  /** Resolves with the line of an event, also one that was written before. */
  event(name: string, count?: number): Promise<Record<string, unknown>>;
  /** Ends it by a signal, and gives its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** How a process is started. */
interface How {
  /** A program that starts it. */
  readonly prefix?: readonly string[];
  /** Its descriptors from 3 on. */
  readonly descriptors?: readonly number[];
  readonly env?: Readonly<Record<string, string>>;
  /** What is on its standard input. */
  readonly input?: string;
}

/** Starts the command; resolves when it listens. */
export async function start(t: ExecutionContext, args: readonly string[], how: How = {}): Promise<Served> {
  const served = launch(t, args, how);
  await served.event('listening');
  return served;
}

/** Starts the command. */
export function launch(t: ExecutionContext, args: readonly string[], how: How = {}): Served {
  const [program = process.execPath, ...rest] = [...(how.prefix ?? []), process.execPath, main, 'serve', ...args];
  const child = spawn(program, rest, {
    stdio: [how.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...(how.descriptors ?? [])],
    env: { ...process.env, ...how.env },
  });
  child.stdin?.end(how.input);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  t.teardown(() => child.kill('SIGKILL'));
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  let rest_ = '';
  let failure = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    const parts = (rest_ + chunk).split('\n');
    rest_ = parts.pop() ?? '';
    for (const part of parts) {
      if (part.startsWith('{')) lines.push(JSON.parse(part));
      else failure += `${part}\n`;
    }
    for (const check of waiting) check();
  });
  const served: Served = {
    child,
    lines,
    stdout: '',
    event: (name, count = 1) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = lines.filter(({ event }) => event === name)[count - 1];
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
        void ended.then((code) => reject(new Error(`ended with ${code} before ${name}: ${failure}`)));
      }),
    end: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
  child.stdout?.on('data', (chunk: Buffer) => {
    served.stdout += chunk;
  });
  return served;
}

/** What the command says that a process has printed, in a shell that finds it. */
export async function pasted(
  at: (name: string) => string,
  { stdout }: Served,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  mkdirSync(at('bin'), { recursive: true });
  const program = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`;
  writeFileSync(join(at('bin'), 'openssl-ocsp'), program, { mode: 0o755 });
  const path = `${at('bin')}:${process.env['PATH']}`;
  return (await execFileAsync('/bin/sh', ['-c', stdout], { env: { ...process.env, ...env, PATH: path } })).stdout;
}

/** Asks by POST; a socket path takes the place of host and port. */
export function post(where: { port: number } | { socketPath: string }, body: Buffer, path = '/'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...where, host: '127.0.0.1', path, method: 'POST', agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

export async function get(port: number, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: await response.text() };
}

export const question = ask(['1001'], { issuer: ca });
export const statusAt = async (where: Parameters<typeof post>[0]): Promise<string> =>
  statusIn(await post(where, question), question, ca);

/** Asks until the answer is this one. */
export async function until(expected: string, where: Parameters<typeof post>[0]): Promise<void> {
  for (;;) {
    if ((await statusAt(where)) === expected) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
