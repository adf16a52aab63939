import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a run of a program gave. */
export interface ProgramResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program beside this process, which goes on serving. OpenSSL's configuration of the machine is not read. */
export function runProgram(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, OPENSSL_CONF: '/dev/null', ...env }, maxBuffer: 1 << 26 };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (child.exitCode ?? null), stdout, stderr });
    });
  });
}

/** Whether a program is there. */
export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
}
