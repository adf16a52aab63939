import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a run of the CLI gave. */
export interface CliResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the `openssl` on the PATH. The configuration file of the machine is not read. */
export function openssl(args: string[], input?: Uint8Array): CliResult {
  const { status, stdout, stderr } = spawnSync('openssl', args, {
    encoding: 'buffer',
    maxBuffer: 1 << 26,
    env: { ...process.env, OPENSSL_CONF: '/dev/null' },
    ...(input ? { input } : {}),
  });
  return { status, stdout: String(stdout ?? ''), stderr: String(stderr ?? '') };
}

const version = openssl(['version']);

/** Version of the CLI (`3.0.19`), or null where there is none. */
export const opensslCliVersion: string | null =
  version.status === 0 ? (/^OpenSSL (\d+\.\d+\.\d+)/.exec(version.stdout)?.[1] ?? null) : null;

/** Whether the CLI is of the same minor version as the OpenSSL in Node: other ones print, and refuse, otherwise here and there. */
export const sameOpensslVersion: boolean =
  opensslCliVersion !== null && minorOf(opensslCliVersion) === minorOf(process.versions.openssl);

function minorOf(version: string): string {
  return version.split('.', 2).join('.');
}

/** A folder for files that the CLI reads and writes. */
export class Scratch implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-'));

  /** Writes a file, returns its path. */
  write(name: string, content: Uint8Array | string): string {
    const path = this.path(name);
    writeFileSync(path, content);
    return path;
  }

  /** The content of a file of that name. */
  read(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  /** The path of a file of that name. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
