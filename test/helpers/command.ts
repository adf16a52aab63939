/** The `openssl-ocsp` command as a process of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a run gave. */
export interface CommandResult {
  status: number | null;
  stdout: string;
  /** Standard output as it came. */
  bytes: Buffer;
  stderr: string;
}

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

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
