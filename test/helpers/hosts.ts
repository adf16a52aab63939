/** Hosts as network namespaces, with a cable between two of them that can be pulled. */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

const ip = (...args: string[]): boolean => spawnSync('ip', args, { stdio: 'ignore' }).status === 0;
const inHost = (host: string, ...args: string[]): boolean => ip('-n', host, ...args);

/** What is written at one end is read at the other. Each is the path of a Unix socket, or an address and a port. */
const FORWARD = `
  const [from, to] = process.argv.slice(1).map((text) => JSON.parse(text));
  require('node:net').createServer((client) => {
    const server = require('node:net').connect(to);
    client.pipe(server).pipe(client);
    for (const one of [client, server]) one.on('error', () => { client.destroy(); server.destroy(); });
  }).listen(from, () => console.log('ready'));`;

interface End {
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
}

/** Two hosts, and the cable. Nothing of it is on the one that the test itself is on. */
export class Hosts {
  readonly first: string;
  readonly second: string;
  /** Of the first one. */
  readonly address = '10.213.0.1';

  private constructor() {
    const id = randomBytes(6).toString('hex');
    this.first = `ocsp-a-${id}`;
    this.second = `ocsp-b-${id}`;
  }

  /** undefined where namespaces are not permitted. */
  static connect(): Hosts | undefined {
    const hosts = new Hosts();
    return hosts.#connect() ? hosts : undefined;
  }

  #connect(): boolean {
    const { first, second } = this;
    if (process.platform !== 'linux' || !ip('netns', 'add', first)) return false;
    const isDone =
      ip('netns', 'add', second) &&
      inHost(second, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', first) &&
      inHost(first, 'addr', 'add', `${this.address}/24`, 'dev', 'cable') &&
      inHost(second, 'addr', 'add', `${this.address.slice(0, -1)}2/24`, 'dev', 'cable') &&
      inHost(first, 'link', 'set', 'cable', 'up') &&
      this.mend();
    if (!isDone) this.remove();
    return isDone;
  }

  /** Nothing comes through any more, and no one is told. */
  cut(): boolean {
    return inHost(this.second, 'link', 'set', 'cable', 'down');
  }

  mend(): boolean {
    return inHost(this.second, 'link', 'set', 'cable', 'up');
  }

  remove(): void {
    ip('netns', 'del', this.first);
    ip('netns', 'del', this.second);
  }

  /** A port of the first host leads to a server's Unix socket. */
  async forward(t: ExecutionContext, socket: string, port: number): Promise<void> {
    await forward(t, this.first, { host: this.address, port }, { path: socket });
  }

  /** A Unix socket leads from the second host to a port of the first, for who is on neither. */
  async reach(t: ExecutionContext, socket: string, port: number): Promise<void> {
    await forward(t, this.second, { path: socket }, { host: this.address, port });
  }
}

async function forward(t: ExecutionContext, host: string, from: End, to: End): Promise<void> {
  const ends = [from, to].map((end) => JSON.stringify(end));
  const args = ['netns', 'exec', host, process.execPath, '-e', FORWARD, ...ends];
  const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
}

/** Whether this process may make hosts. */
export function mayMakeHosts(): boolean {
  const hosts = Hosts.connect();
  hosts?.remove();
  return hosts !== undefined;
}
