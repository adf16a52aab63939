/** Hosts as network namespaces, with a cable between two of them that can be pulled. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

const ip = (...args: string[]): boolean => spawnSync('ip', args, { stdio: 'ignore' }).status === 0;
const inHost = (host: string | undefined, ...args: string[]): boolean =>
  ip(...(host === undefined ? [] : ['-n', host]), ...args);

/** Between an address and a Unix socket: what is written at one end is read at the other. */
const FORWARD = `
  const [socket, port, address] = process.argv.slice(1);
  require('node:net').createServer((client) => {
    const server = require('node:net').connect(socket);
    client.pipe(server).pipe(client);
    for (const one of [client, server]) one.on('error', () => { client.destroy(); server.destroy(); });
  }).listen(Number(port), address, () => console.log('ready'));`;

/** Two hosts, and the cable. The second may be the one that the test itself is on. */
export class Hosts {
  readonly first: string;
  readonly second: string | undefined;
  /** Of the first one. */
  readonly address: string;
  /** The second one's end of the cable. */
  readonly #end: string;

  private constructor(network: number, own: boolean) {
    this.first = `ocsp-a${network}-${process.pid}`;
    this.second = own ? undefined : `ocsp-b${network}-${process.pid}`;
    this.address = `10.213.${network}.1`;
    // (15 characters at most.)
    this.#end = `oc${network}-${process.pid}`;
  }

  /**
   * undefined where namespaces are not permitted.
   *
   * @param network - of this test alone
   * @param own - the second is the host that the test is on
   */
  static connect(network: number, own: boolean): Hosts | undefined {
    const hosts = new Hosts(network, own);
    return hosts.#connect() ? hosts : undefined;
  }

  #connect(): boolean {
    const { first, second } = this;
    if (process.platform !== 'linux' || !ip('netns', 'add', first)) return false;
    const isDone =
      (second === undefined || ip('netns', 'add', second)) &&
      inHost(second, 'link', 'add', this.#end, 'type', 'veth', 'peer', 'name', 'cable', 'netns', first) &&
      inHost(first, 'addr', 'add', `${this.address}/24`, 'dev', 'cable') &&
      inHost(second, 'addr', 'add', `${this.address.slice(0, -1)}2/24`, 'dev', this.#end) &&
      inHost(first, 'link', 'set', 'cable', 'up') &&
      this.mend();
    if (!isDone) this.remove();
    return isDone;
  }

  /** Nothing comes through any more, and no one is told. */
  cut(): boolean {
    return inHost(this.second, 'link', 'set', this.#end, 'down');
  }

  mend(): boolean {
    return inHost(this.second, 'link', 'set', this.#end, 'up');
  }

  remove(): void {
    ip('netns', 'del', this.first);
    if (this.second !== undefined) ip('netns', 'del', this.second);
  }

  /** A port of the first host leads to a server's Unix socket. */
  async forward(t: ExecutionContext, socket: string, port: number): Promise<void> {
    const args = ['netns', 'exec', this.first, process.execPath, '-e', FORWARD, socket, String(port), this.address];
    const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
  }
}

/** Whether this process may make hosts. */
export function mayMakeHosts(network: number, own: boolean): boolean {
  const hosts = Hosts.connect(network, own);
  hosts?.remove();
  return hosts !== undefined;
}
