// The servers that are asked: ours, node:http, and peers where their programs are there (Debian: golang,
// golang-golang-x-crypto-dev; openssl). Each on one core where taskset is there.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { has, run } from '../../scripts/lib/run.mjs';

const PIN = availableParallelism() > 1 && has('taskset') ? ['taskset', '-c', '0'] : [];

export class Servers {
  #children = [];
  #folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bench-'));

  /** A server of server.mjs: its port, and `cpu`, as a contender has it. */
  async own(message) {
    const [execPath, ...execArgv] = [...PIN, process.execPath];
    const child = fork(fileURLToPath(new URL('server.mjs', import.meta.url)), { execPath, execArgv });
    this.#children.push(child);
    child.send(message);
    const [port] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`the server ended with ${code}`))),
    ]);
    return { port, cpu: cpuOf(child) };
  }

  /** The same of the responder in Go over these answers; undefined, which is said, where it cannot be built. */
  async go(answers) {
    const program = join(this.#folder, 'presigned');
    const source = fileURLToPath(new URL('presigned.go', import.meta.url));
    const env = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(this.#folder, 'cache') };
    if (!has('go')) return without('there is no go');
    if (run('go', ['build', '-o', program, source], { env, allowFailure: true }).status !== 0)
      return without('it cannot be built: golang-golang-x-crypto-dev may not be there');
    const file = join(this.#folder, 'answers');
    writeFileSync(file, answers.map(({ serial, der }) => `${serial} ${der.toString('base64')}\n`).join(''));
    const child = this.#start([program, file], { ...process.env, GOMAXPROCS: '1' });
    const [line] = await once(child.stdout, 'data');
    return { port: Number(line), cpu: cpuOf(child) };
  }

  /** The same of `openssl ocsp -port`; undefined without it. */
  async openssl({ certificate, key, serials }) {
    if (!has('openssl')) return undefined;
    const write = (name, content) => writeFileSync(join(this.#folder, name), content);
    write('ca.pem', certificate);
    write('ca.key', key);
    write('index.txt', serials.map((serial) => `V\t491231235959Z\t\t${serial}\tunknown\t/CN=${serial}\n`).join(''));
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address();
    listener.close();
    await once(listener, 'close');
    const signer = ['-CA', 'ca.pem', '-rsigner', 'ca.pem', '-rkey', 'ca.key', '-ndays', '1'];
    const args = ['openssl', 'ocsp', '-port', String(port), '-index', 'index.txt', ...signer, '-ignore_err'];
    const child = this.#start(args, process.env);
    await once(child.stdout, 'data');
    return { port, cpu: cpuOf(child) };
  }

  close() {
    for (const child of this.#children) child.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start(args, env) {
    const [program, ...rest] = [...PIN, ...args];
    const child = spawn(program, rest, { cwd: this.#folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
    this.#children.push(child);
    return child;
  }
}

function without(reason) {
  console.error(`  Without the responder in Go: ${reason}.`);
  return undefined;
}

/** What tells the microseconds of CPU time that a process has taken; undefined where the system does not say so (Linux does). */
function cpuOf({ pid }) {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  return () => {
    // The name may have spaces; the 12th and 13th field behind it are hundredths of seconds (proc(5)).
    const fields = readFileSync(path, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  };
}
