// The openssl command, and a folder for the files that commands read and write.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const prefix = process.env.OPENSSL_ROOT_DIR;
export const opensslProgram = prefix ? join(resolve(prefix), 'bin', 'openssl') : 'openssl';

/** Runs `openssl`. The configuration file of the machine is not read. */
export function openssl(args, { input, cwd, encoding = 'utf8' } = {}) {
  return spawnSync(opensslProgram, args, {
    cwd,
    input,
    encoding,
    maxBuffer: 2 ** 28,
    env: { ...process.env, OPENSSL_CONF: '/dev/null', TZ: 'UTC' },
  });
}

/** `OpenSSL 3.0.22 25 Aug 2026`; undefined where there is no command. */
export function opensslVersion() {
  const { status, stdout } = openssl(['version']);
  return status === 0 ? stdout.replace(/ \(Library.*/s, '').trim() : undefined;
}

/** A temporary folder, gone when the process ends. */
export class Scratch {
  #folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-parity-'));

  constructor() {
    process.on('exit', () => rmSync(this.#folder, { recursive: true, force: true }));
  }

  path(name) {
    return join(this.#folder, name);
  }

  write(name, content) {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  read(name) {
    return readFileSync(this.path(name));
  }
}
