/** Servers among which keys are shared out, each of which may be gone. */
import { createHash } from 'node:crypto';
import type { Redis, RedisOptions } from 'iovalkey';
import { invalidArgType, invalidValue } from '../errors.js';
import { checkList } from '../x509/checks.js';
import { KEEP_SCRIPT, MERGE_SCRIPT } from './frames.js';
import { BEGIN_SCRIPT, STEP_SCRIPT } from './run-scripts.js';

/** Where the servers are, and how they are spoken to. */
export interface ValkeyServerOptions {
  /**
   * The servers: `redis://` or `rediss://` URLs, or paths of Unix sockets. Each certificate is on one of them, by rendezvous hashing: one
   * more or less moves the keys of that one only. They need know nothing of each other.
   */
  readonly servers: Iterable<string>;
  /** Before all keys. Default `ocsp:`. */
  readonly prefix?: string;
  /** Milliseconds that a command may take. Default 50: signing takes less than waiting. */
  readonly timeout?: number;
  /** Options for iovalkey, such as `tls` and `password`. */
  readonly connection?: Readonly<Record<string, unknown>>;
  /** Is told why a server could not be used: once for each time that it rests. */
  readonly onError?: (error: unknown) => void;
}

/** What a begun run goes on from. */
export type Begun = readonly [lists: string | null, records: string, token: string | null];

/** A connection with the scripts. */
export type Connection = Redis & {
  ocspMerge(key: string, ...args: (Buffer | number)[]): Promise<number[]>;
  ocspKeep(key: string, frame: Buffer, life: number): Promise<void>;
  ocspBeginRun(...args: (string | number)[]): Promise<string | Begun>;
  ocspStepRunBuffer(...args: (string | number | Buffer)[]): Promise<Buffer | Buffer[]>;
};

/** Milliseconds for which a server that has failed is left alone, doubled with each further failure. */
const FIRST_REST = 1000;
const LONGEST_REST = 30_000;
const DEFAULT_TIMEOUT = 50;
const LONGEST_TIMEOUT = 60_000;
/** Milliseconds for a connection. */
const CONNECT_TIMEOUT = 2000;

/** One server. */
class Server {
  readonly name: string;
  readonly connection: Connection;
  readonly #onError: (error: unknown) => void;
  #restsUntil = 0;
  #rest = FIRST_REST;

  constructor(name: string, connection: Connection, onError: (error: unknown) => void) {
    this.name = name;
    this.connection = connection;
    this.#onError = onError;
    // What concerns a call rejects the call.
    connection.on('error', () => undefined);
  }

  /** Does something; a server that rests fails at once. What a server answers, also an error, is no failure of it. */
  async use<T>(action: (connection: Connection) => Promise<T>): Promise<T> {
    const now = performance.now();
    if (now < this.#restsUntil) throw new Error(`${this.name} is left alone after a failure`);
    try {
      const result = await action(this.connection);
      this.#rest = FIRST_REST;
      return result;
    } catch (error) {
      if ((error as Error).name !== 'ReplyError' && performance.now() >= this.#restsUntil) {
        this.#restsUntil = performance.now() + this.#rest;
        this.#rest = Math.min(this.#rest * 2, LONGEST_REST);
        this.#onError(new Error(`${this.name}: ${(error as Error).message}`, { cause: error }));
      }
      throw error;
    }
  }
}

export class ValkeyServers {
  readonly prefix: string;
  readonly #servers: readonly Server[];

  private constructor(prefix: string, servers: readonly Server[]) {
    this.prefix = prefix;
    this.#servers = servers;
  }

  /** Connects. A server that is not there now is used when it is. */
  static async open(options: ValkeyServerOptions): Promise<ValkeyServers> {
    const { prefix = 'ocsp:', timeout = DEFAULT_TIMEOUT, connection = {}, onError = () => undefined } = options;
    if (typeof prefix !== 'string') throw invalidArgType('prefix', 'a string', prefix);
    if (typeof timeout !== 'number') throw invalidArgType('timeout', 'a number of milliseconds', timeout);
    if (!(timeout >= 1 && timeout <= LONGEST_TIMEOUT)) throw invalidValue(`timeout is not 1 to ${LONGEST_TIMEOUT}`);
    if (typeof onError !== 'function') throw invalidArgType('onError', 'a function', onError);
    if (typeof options.servers === 'string') throw invalidArgType('servers', 'a list of URLs', options.servers);
    const urls = checkList(options.servers, 'servers', (item) => {
      if (typeof item !== 'string') throw invalidArgType('servers', 'a list of URLs', item);
      if (!/^(?:rediss?:\/\/|\/)/.test(item))
        throw invalidValue('servers are redis: or rediss: URLs, or paths of sockets');
      return item;
    });
    if (urls.length === 0) throw invalidValue('servers is empty');
    const { Redis } = await loadClient();
    const settings: RedisOptions = {
      ...connection,
      lazyConnect: true,
      // A queue that grows while a server is away would be the end of this process, and what comes late is of no use.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      commandTimeout: timeout,
      connectTimeout: CONNECT_TIMEOUT,
      retryStrategy: (times) => Math.min(100 * times, 2000),
    };
    const servers = urls.map((url) => {
      const redis = new Redis(url, settings) as Connection;
      redis.defineCommand('ocspMerge', { numberOfKeys: 1, lua: MERGE_SCRIPT });
      redis.defineCommand('ocspKeep', { numberOfKeys: 1, lua: KEEP_SCRIPT });
      redis.defineCommand('ocspBeginRun', { numberOfKeys: 3, lua: BEGIN_SCRIPT });
      redis.defineCommand('ocspStepRun', { numberOfKeys: 3, lua: STEP_SCRIPT });
      return new Server(nameOf(url), redis, onError);
    });
    if (new Set(servers.map(({ name }) => name)).size < servers.length) throw invalidValue('a server is there twice');
    await Promise.all(servers.map(({ connection }) => connection.connect().catch(() => undefined)));
    return new ValkeyServers(prefix, servers);
  }

  /** Does something at the server that has a key. */
  use<T>(key: string, action: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#serverOf(key).use(action);
  }

  /** Does something at each server, one after the other. */
  async *each(): AsyncGenerator<Connection> {
    for (const server of this.#servers) yield await server.use(async (connection) => connection);
  }

  close(): void {
    for (const { connection } of this.#servers) connection.disconnect();
  }

  /** The one whose name and the key together have the highest hash. */
  #serverOf(key: string): Server {
    let [best] = this.#servers as [Server, ...Server[]];
    if (this.#servers.length === 1) return best;
    let highest = -1;
    for (const server of this.#servers) {
      const score = createHash('sha1').update(`${server.name}\n${key}`).digest().readUIntBE(0, 6);
      if (score > highest) [best, highest] = [server, score];
    }
    return best;
  }
}

/** Without a user and a password. */
function nameOf(url: string): string {
  if (url.startsWith('/')) return url;
  try {
    const { hostname, port, pathname } = new URL(url);
    return `${hostname}:${port || '6379'}${pathname.length > 1 ? pathname : ''}`;
  } catch {
    throw invalidValue('servers has what is no URL');
  }
}

async function loadClient(): Promise<Pick<typeof import('iovalkey'), 'Redis'>> {
  try {
    return await import('iovalkey');
  } catch (cause) {
    throw new Error('openssl-ocsp/valkey needs the package iovalkey: npm install iovalkey', { cause });
  }
}
