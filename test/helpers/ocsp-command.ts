import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runOcsp } from '#dist/cli/ocsp/run.js';
import { type CommandCase, type Outcome, type Place, parity } from './command-cases.js';
import { opensslCliVersion, sameOpensslVersion } from './openssl-cli.js';

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** The command line of the command as a process. */
export const ocspProcess: string[] = [process.execPath, main, 'ocsp'];

/**
 * Whether the openssl command on the PATH is comparable: the OpenSSL in Node is of the same minor version, and it has the
 * fix of 3.0.20 (issuers are no longer trusted by themselves).
 */
export const comparable: boolean = (() => {
  const [, minor, patch = 0] = (opensslCliVersion ?? '').split('.').map(Number);
  return sameOpensslVersion && (minor !== 0 || patch >= 20);
})();

/** Runs the command inside this process: hundreds of processes would take minutes. */
export async function runInside(args: string[]): Promise<Omit<Outcome, 'outputs'>> {
  const stdout: Buffer[] = [];
  let stderr = '';
  const status = await runOcsp(args, {
    stdout: { write: (chunk) => stdout.push(Buffer.from(chunk)) },
    stderr: {
      write: (chunk) => {
        stderr += chunk;
      },
    },
  });
  return { status, stdout: Buffer.concat(stdout), stderr };
}

/** Runs a case: as a process where it needs an environment or standard input of its own. */
export async function runCase(entry: CommandCase, place: Place): Promise<Outcome> {
  if (entry.stdin !== undefined || entry.env !== undefined) return parity.runProcess(ocspProcess, entry, place);
  rmSync(place.work, { recursive: true, force: true });
  mkdirSync(place.work);
  const outcome = await runInside(parity.resolveArgs(entry, place));
  return { ...outcome, outputs: parity.readOutputs(entry, place) };
}
