import { invalidValue } from '../errors.js';
import type { ListEdition } from '../statuses/list-edition.js';
import type { PutResult, ResponseRecord, RunWriter, StoredResponse } from '../store/response-store.js';
import { decodeFrames, encodeFrame } from './frames.js';
import type { Connection, ValkeyServers } from './servers.js';
import type { ValkeyStore } from './valkey-store.js';

/** Responses that are read back and put at a time. */
const AT_ONCE = 256;

/** What a server has of a run, under one key. */
interface RunState {
  readonly id: string;
  readonly token: string | null;
  /** How many of the responses that wait count. */
  readonly records: number;
}

/** What the calls of a bulk run do whose responses wait at a server. */
export class ValkeyRun implements RunWriter {
  readonly resumeToken: string | null;
  readonly editions: readonly ListEdition[];
  readonly #store: ValkeyStore;
  readonly #servers: ValkeyServers;
  readonly #key: string;
  readonly #id: string;
  #records: number;
  #token: string | null;

  private constructor(
    store: ValkeyStore,
    servers: ValkeyServers,
    key: string,
    state: RunState,
    editions: readonly ListEdition[],
  ) {
    this.#store = store;
    this.#servers = servers;
    this.#key = key;
    this.#id = state.id;
    this.#records = state.records;
    this.#token = state.token;
    this.resumeToken = state.token;
    this.editions = editions;
  }

  /** @param key - before the keys of the issuer */
  static async begin(
    store: ValkeyStore,
    servers: ValkeyServers,
    prefix: string,
    id: string,
    discard: boolean,
  ): Promise<ValkeyRun> {
    const key = `${prefix}run`;
    const waiting = `${key}:records`;
    const known = await servers.use(key, async (connection) => JSON.parse((await connection.get(key)) ?? 'null'));
    const { id: other, token, records } = (known as RunState | null) ?? { id, token: null, records: 0 };
    if (other !== id && !discard) throw invalidValue(`the run '${other}' is unfinished`);
    return servers.use(key, async (connection) => {
      const isThere = other === id && (await connection.llen(waiting)) >= records;
      const state: RunState = isThere ? { id, token, records } : { id, token: null, records: 0 };
      if (state.records === 0) await connection.del(waiting);
      else await connection.ltrim(waiting, 0, state.records - 1);
      await connection.set(key, JSON.stringify(state));
      const editions = JSON.parse((await connection.get(`${prefix}lists`)) ?? '[]') as ListEdition[];
      return new ValkeyRun(store, servers, prefix, state, editions);
    });
  }

  get records(): number {
    return this.#records;
  }

  async append(batch: Iterable<ResponseRecord>): Promise<void> {
    const frames = this.#store.check(batch).map((record) => {
      const frame = encodeFrame(record);
      const serial = Buffer.from(`${record.serial}\n`, 'latin1');
      return Buffer.concat([serial, frame]);
    });
    if (frames.length === 0) return;
    this.#records += frames.length;
    await this.#use((connection) => connection.rpush(`${this.#key}run:records`, ...frames));
  }

  async checkpoint(token: string): Promise<void> {
    this.#token = token;
    await this.#note();
  }

  async commit(edition?: ListEdition): Promise<PutResult> {
    // Where it fails, the run that is begun again has all of it.
    await this.#note();
    const served = new Set<string>();
    const all = new Set<string>();
    for (let at = 0; at < this.#records; at += AT_ONCE) {
      const end = Math.min(at + AT_ONCE, this.#records) - 1;
      const frames = await this.#use((connection) => connection.lrangeBuffer(`${this.#key}run:records`, at, end));
      if (frames.length !== end - at + 1)
        throw new Error('the server has dropped responses of the run: begin it again');
      const records = frames.map(recordOf);
      for (const [i, isWritten] of (await this.#store.put(records)).entries()) {
        const { serial } = records[i] as StoredResponse;
        all.add(serial);
        if (isWritten) served.add(serial);
      }
    }
    if (edition !== undefined) {
      const editions = [...this.editions.filter(({ list }) => list !== edition.list), edition];
      await this.#use(async (connection) => connection.set(`${this.#key}lists`, JSON.stringify(editions)));
    }
    await this.#remove();
    return { written: served.size, kept: all.size - served.size };
  }

  async close(): Promise<void> {}

  async discard(): Promise<void> {
    await this.#remove();
  }

  async #note(): Promise<void> {
    const state: RunState = { id: this.#id, token: this.#token, records: this.#records };
    await this.#use((connection) => connection.set(`${this.#key}run`, JSON.stringify(state)));
  }

  async #remove(): Promise<void> {
    await this.#use(async (connection) => connection.del(`${this.#key}run`, `${this.#key}run:records`));
  }

  #use<T>(action: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#servers.use(`${this.#key}run`, action);
  }
}

function recordOf(waiting: Buffer): StoredResponse {
  const end = waiting.indexOf('\n');
  const [record] = decodeFrames(waiting.subarray(end + 1), waiting.toString('latin1', 0, end));
  if (end < 0 || record === undefined) throw new Error('what waits for the run at the server is no response');
  return record;
}
