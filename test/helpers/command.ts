/** The `openssl-ocsp` command, as a process of its own and inside of the test's. */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runProgram } from '#dist/cli/program.js';

/** What a run gave. */
export interface CommandResult {
  status: number | null;
  stdout: string;
  /** Standard output as it came. */
  bytes: Buffer;
  stderr: string;
}

/** What npm links as `openssl-ocsp`. */
const main = fileURLToPath(new URL('../../../dist/cli/bin.cjs', import.meta.url));

/** Runs the command; colours and passphrases of the caller's environment are not passed on. */
export async function command(
  args: readonly string[],
  { input, env = {} }: { input?: Uint8Array | string; env?: Record<string, string> } = {},
): Promise<CommandResult> {
  const { NO_COLOR: _none, FORCE_COLOR: _force, ...inherited } = process.env;
  const child = spawn(process.execPath, [main, ...args], { env: { ...inherited, ...env } });
  const outputs = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  // The command need not read it all.
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const [bytes, errors] = outputs.map((chunks) => Buffer.concat(chunks)) as [Buffer, Buffer];
  return { status, bytes, stdout: bytes.toString(), stderr: errors.toString() };
}

let before: Promise<unknown> = Promise.resolve();

/** The same inside of this process, one after the other: a process takes a hundred times as long as most commands. */
export function commandInside(args: readonly string[], input: Uint8Array | string = ''): Promise<CommandResult> {
  const result = before.then(() => runInside(args, input));
  before = result.catch(() => {});
  return result;
}

async function runInside(args: readonly string[], input: Uint8Array | string): Promise<CommandResult> {
  const written: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  const stdin = Readable.from(input.length === 0 ? [] : [Buffer.from(input)]);
  // (The streams of a thread are to stay: Node.js itself calls methods of them when the main thread has taken what was written.)
  const restore = [
    replace(process, 'stdin', stdin),
    ...(['stdout', 'stderr'] as const).map((name) =>
      replace(process[name], 'write', (chunk: Uint8Array | string) => written[name].push(Buffer.from(chunk))),
    ),
  ];
  try {
    const status = await runProgram(args);
    const [bytes, errors] = [Buffer.concat(written.stdout), Buffer.concat(written.stderr)];
    return { status, bytes, stdout: bytes.toString(), stderr: errors.toString() };
  } finally {
    for (const undo of restore) undo();
  }
}

/** Gives an object another property for a while. Returns what takes it back. */
function replace(target: object, name: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { configurable: true, value });
  return () => {
    if (own !== undefined) Object.defineProperty(target, name, own);
    else Reflect.deleteProperty(target, name);
  };
}

/** Does `action` for every item, a few at a time. */
export async function forEachOf<T>(
  items: readonly T[],
  action: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) await action(item, index);
  };
  await Promise.all([worker(), worker(), worker()]);
}
