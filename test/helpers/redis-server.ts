/** Servers of Valkey or Redis that tests start, stop, hold up and end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { tied } from './lifeline.js';
import { hasProgram } from './programs.js';

const PROGRAM = ['valkey-server', 'redis-server'].find(hasProgram);
/** Whether there is a server to start. */
export const hasRedisServer: boolean = PROGRAM !== undefined;
if (!hasRedisServer) console.warn('neither valkey-server nor redis-server is installed: their tests are skipped');

/** A server on a socket in a folder of its own; nothing of it is left. */
export class RedisServer {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'openssl-ocsp-redis-'));
  readonly socket: string = join(this.folder, 's');
  #process: ChildProcess | undefined;

  /** Starts one, which ends with the test. */
  static async start(t: ExecutionContext, ...options: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer();
    t.teardown(async () => {
      await server.kill();
      rmSync(server.folder, { recursive: true, force: true });
    });
    await server.start(...options);
    return server;
  }

  async start(...options: readonly string[]): Promise<void> {
    const args = ['--port', '0', '--unixsocket', this.socket, '--dir', this.folder, '--save', '', '--appendonly', 'no'];
    const child = spawn(PROGRAM as string, [...args, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = tied(child, this.folder);
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (/ready to accept connections/i.test(said)) break;
    }
    // (Leaving the loop has closed the pipe; the server does without.)
    if (!/ready to accept connections/i.test(said)) throw new Error(`${PROGRAM} did not start: ${said}`);
  }

  /** From one moment to the next. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** It answers no one until {@link resume}. */
  suspend(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }
}
