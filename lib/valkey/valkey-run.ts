import { randomUUID } from 'node:crypto';
import { invalidValue } from '../errors.js';
import type { ListEdition } from '../statuses/list-edition.js';
import { storeDamaged, storeLocked } from '../store/errors.js';
import type { PutResult, ResponseRecord, RunWriter, StoredResponse } from '../store/response-store.js';
import { decodeFrames, encodeFrame } from './frames.js';
import type { Begun, ValkeyServers } from './servers.js';
import type { ValkeyStore } from './valkey-store.js';

/** Responses that are sent to wait, or read back and put, at a time. */
const AT_ONCE = 256;

/** What the calls of a bulk run do whose responses wait at a server. */
export class ValkeyRun implements RunWriter {
  readonly resumeToken: string | null;
  readonly editions: readonly ListEdition[];
  readonly #store: ValkeyStore;
  readonly #servers: ValkeyServers;
  readonly #keys: RunKeys;
  readonly #id: string;
  readonly #generation: string;
  #records: number;

  private constructor(
    store: ValkeyStore,
    servers: ValkeyServers,
    keys: RunKeys,
    id: string,
    generation: string,
    [lists, records, token]: Begun,
  ) {
    this.#store = store;
    this.#servers = servers;
    this.#keys = keys;
    this.#id = id;
    this.#generation = generation;
    this.#records = Number(records);
    this.resumeToken = token;
    this.editions = JSON.parse(lists ?? '[]') as ListEdition[];
  }

  /** @param prefix - before the keys of the issuer */
  static async begin(
    store: ValkeyStore,
    servers: ValkeyServers,
    prefix: string,
    id: string,
    discard: boolean,
  ): Promise<ValkeyRun> {
    const keys: RunKeys = [`${prefix}run`, `${prefix}run:records`, `${prefix}lists`];
    const generation = randomUUID();
    const begun = await servers.use(keys[0], (connection) =>
      connection.ocspBeginRun(...keys, id, generation, discard ? 1 : 0),
    );
    if (typeof begun === 'string') throw invalidValue(`the run '${begun}' is unfinished`);
    return new ValkeyRun(store, servers, keys, id, generation, begun);
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
    for (let at = 0; at < frames.length; at += AT_ONCE) {
      const some = frames.slice(at, at + AT_ONCE);
      await this.#step('append', ...some);
      this.#records += some.length;
    }
  }

  async checkpoint(token: string): Promise<void> {
    await this.#step('note', 'token', token);
  }

  async commit(edition?: ListEdition): Promise<PutResult> {
    // Where it fails, the run that is begun again has all of it.
    await this.#step('note');
    const served = new Set<string>();
    const all = new Set<string>();
    for (let at = 0; at < this.#records; at += AT_ONCE) {
      const records = (await this.#step('read', at, at + AT_ONCE - 1)).map(recordOf);
      for (const [i, isWritten] of (await this.#store.put(records)).entries()) {
        const { serial } = records[i] as StoredResponse;
        all.add(serial);
        if (isWritten) served.add(serial);
      }
    }
    const editions = edition && [...this.editions.filter(({ list }) => list !== edition.list), edition];
    await this.#step('end', ...(editions === undefined ? [] : [JSON.stringify(editions)]));
    return { written: served.size, kept: all.size - served.size };
  }

  async close(): Promise<void> {}

  async discard(): Promise<void> {
    // (What another has taken over is his.)
    await this.#try('end');
  }

  /** @returns what was read */
  async #step(action: string, ...args: readonly (string | number | Buffer)[]): Promise<Buffer[]> {
    const reply = await this.#try(action, ...args);
    if (Array.isArray(reply)) return reply;
    switch (reply.toString()) {
      case 'taken':
        throw storeLocked(`the run '${this.#id}' was begun again elsewhere, and goes on there`);
      case 'gone':
        throw storeLocked(`the run '${this.#id}' is not there any more: ended elsewhere, or dropped by the server`);
      case 'dropped':
        throw storeDamaged('the server has dropped responses of the run: begin it again');
      default:
        return [];
    }
  }

  #try(action: string, ...args: readonly (string | number | Buffer)[]): Promise<Buffer | Buffer[]> {
    return this.#servers.use(this.#keys[0], (connection) =>
      connection.ocspStepRunBuffer(...this.#keys, this.#generation, this.#records, action, ...args),
    );
  }
}

/** Those of the scripts; all at the server of the first one. */
type RunKeys = readonly [state: string, waiting: string, lists: string];

function recordOf(waiting: Buffer): StoredResponse {
  const end = waiting.indexOf('\n');
  const [record] = decodeFrames(waiting.subarray(end + 1), waiting.toString('latin1', 0, end));
  if (end < 0 || record === undefined) throw new Error('what waits for the run at the server is no response');
  return record;
}
