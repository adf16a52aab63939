import type { ResponseCacheStore } from '../client/response-cache.js';
import { invalidArgType, invalidValue } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { loadDerOcspResponse } from '../ocsp/response.js';
import { HashAlgorithm } from '../x509/algorithms.js';
import { checkBytes } from '../x509/checks.js';
import { readOptions } from '../x509/options.js';
import { checkDate } from '../x509/time.js';
import { decodeFrames, encodeFrame, LONGEST_VALUE } from './frames.js';
import { type ValkeyServerOptions, ValkeyServers } from './servers.js';
import { SERVER_NAMES } from './valkey-store.js';

/** Where all answers of a client look alike. */
const LABEL = {
  serial: '',
  hashAlgorithm: HashAlgorithm.SHA1,
  issuerNameHash: Buffer.alloc(20),
  signatureAlgorithm: null,
};
const KEYS_AT_ONCE = 500;
/** Milliseconds for which an answer is kept past its end: it also keeps older ones from coming back. */
const FLOOR = 7 * 24 * 3600_000;

/**
 * The answers of clients of several machines, in Valkey or Redis: `new OCSPClient({ cache: { store } })`. The client verifies what it
 * reads. A later answer is never replaced by an earlier one, nor "revoked" by "unknown", whichever machine puts when: a script at the server
 * compares them. A server that does not answer costs the client a question to the responder.
 */
export class ValkeyCache implements ResponseCacheStore {
  readonly #servers: ValkeyServers;

  private constructor(servers: ValkeyServers) {
    this.#servers = servers;
  }

  /** Connects to the servers. One that is not there is used when it is. Rejects as {@link ValkeyStore.open}. */
  static async open(options: ValkeyServerOptions): Promise<ValkeyCache> {
    return new ValkeyCache(await ValkeyServers.open(readOptions(options, SERVER_NAMES)));
  }

  async get(key: string): Promise<Buffer | null> {
    const at = this.#key(key);
    const value = await this.#servers.use(at, (connection) => connection.getrangeBuffer(at, 0, LONGEST_VALUE));
    return value.length > LONGEST_VALUE ? null : (decodeFrames(value, '')[0]?.der ?? null);
  }

  /** @throws (rejects) `ERR_OCSP_MALFORMED`, `ERR_OCSP_UNSUCCESSFUL`, `ERR_OCSP_NOT_SINGLE` for what is no answer; the client's errors. */
  async put(key: string, der: Uint8Array, expires: Date): Promise<void> {
    const at = this.#key(key);
    const bytes = Buffer.from(checkBytes(der, 'der'));
    const life = Math.max(1, checkDate(expires, 'expires').getTime() + FLOOR - Date.now());
    const { producedAt, thisUpdate, certificateStatus } = loadDerOcspResponse(bytes, { strict: 'field' });
    const frame = encodeFrame({
      ...LABEL,
      statusVersion: thisUpdate.getTime() / 1000,
      producedAt: producedAt.getTime() / 1000,
      certStatus: certificateStatus ?? OCSPCertStatus.UNKNOWN,
      nextUpdate: null,
      der: bytes,
    });
    await this.#servers.use(at, (connection) => connection.ocspKeep(at, frame, life));
  }

  async delete(key: string): Promise<void> {
    const at = this.#key(key);
    await this.#servers.use(at, (connection) => connection.del(at));
  }

  async *keys(): AsyncIterable<string> {
    const prefix = `${this.#servers.prefix}client:`;
    for await (const connection of this.#servers.each()) {
      let cursor = '0';
      do {
        const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;
        const [next, keys] = await connection.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_AT_ONCE);
        for (const key of keys) yield key.slice(prefix.length);
        cursor = next;
      } while (cursor !== '0');
    }
  }

  /** Ends the connections. */
  close(): void {
    this.#servers.close();
  }

  #key(key: string): string {
    if (typeof key !== 'string') throw invalidArgType('key', 'a string', key);
    if (!/^[0-9a-f]{64}$/.test(key)) throw invalidValue('key is not 64 hexadecimal digits');
    return `${this.#servers.prefix}client:${key}`;
  }
}
