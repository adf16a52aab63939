/**
 * A fuzzer of the responder: requests that are nearly right, in this process and as raw bytes of a connection. Nothing is thrown, nothing
 * grows, and an answer is one that clients accept. Arguments: number of inputs, seed.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import {
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  type OCSPRequestEntry,
  OCSPResponseStatus,
  type OCSPSingleResponse,
  Verifier,
} from 'openssl-ocsp';
import { Responder } from 'openssl-ocsp/responder';
import { randomFrom } from '../helpers/random.js';
import { ask, ca, issuerOptions, TestAuthority } from '../responder/fixtures.js';

/** One in so many inputs comes over a connection: it costs as many times more. */
const OVER_HTTP = 20;
/** Connections at a time. */
const LANES = 8;
/** MiB that a process may take more at the end than after the first tenth. */
const GROWTH = 64;

const SEEDS = [
  ask(['1001']),
  ask(['1002'], { hash: 'sha1' }),
  ask(['1001', '1002', '4711']),
  ask(['1001'], { nonce: Buffer.alloc(32, 5) }),
  ask(['F'.repeat(40)], { hash: 'sha512' }),
];
const [GOOD] = SEEDS as [Buffer];

/** The issuer of a CertID. */
function issuerOf({ hashAlgorithm, issuerNameHash, issuerKeyHash }: OCSPSingleResponse | OCSPRequestEntry): string {
  return `${hashAlgorithm} ${issuerNameHash.toString('hex')} ${issuerKeyHash.toString('hex')}`;
}
const OWN = new Set(SEEDS.map((der) => issuerOf(loadDerOcspRequest(der).requests[0] as OCSPRequestEntry)));

const WIRES = [
  Buffer.from(`GET /${encodeURIComponent(GOOD.toString('base64'))} HTTP/1.1\r\nHost: x\r\nIf-None-Match: "x"\r\n\r\n`),
  Buffer.from(`GET /${GOOD.toString('base64url')} HTTP/1.0\r\n\r\n`),
  Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${GOOD.length}\r\n\r\n`), GOOD]),
  Buffer.concat([
    Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n'),
    GOOD.subarray(0, 5),
    Buffer.from(`\r\n${(GOOD.length - 5).toString(16)}\r\n`),
    GOOD.subarray(5),
    Buffer.from('\r\n0\r\n\r\n'),
  ]),
];

/** Flips, cuts, inserts, removes and copies bytes. */
function mutated(seeds: readonly Buffer[], below: (limit: number) => number): Buffer {
  let bytes = Buffer.from(seeds[below(seeds.length)] as Buffer);
  for (let left = 1 + below(4); left > 0; left -= 1) {
    const [at, value] = [below(bytes.length + 1), below(256)];
    switch (below(7)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([value]), bytes.subarray(at)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes, bytes.subarray(at)]);
        break;
      case 4:
        bytes.copyWithin(at, value);
        break;
      default:
        if (at < bytes.length) bytes[at] = value < 128 ? value * 2 : (bytes[at] as number) ^ (1 << (value & 7));
    }
  }
  return bytes;
}

/** What was counted: inputs, by what they were answered with. */
export type Tally = Map<string, number>;

class Fuzzer {
  readonly tally: Tally = new Map();
  readonly #authority = new TestAuthority();
  readonly #responder = new Responder({
    issuers: [issuerOptions({ authority: this.#authority, notIssued: 'unknown' })],
    cache: { maxBytes: 1 << 20 },
  });
  readonly #server = createServer(this.#responder.listener);
  readonly #verifier = new Verifier();
  readonly #below: (limit: number) => number;
  #port = 0;

  constructor(seed: number) {
    const random = randomFrom(seed);
    this.#below = (limit) => Math.floor(random() * limit);
  }

  async run(count: number): Promise<void> {
    this.#server.requestTimeout = 2000;
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    let warm: number | undefined;
    for (let done = 0; done < count; done += LANES * OVER_HTTP) {
      for (let i = 0; i < LANES * (OVER_HTTP - 1); i += 1) await this.#inProcess(mutated(SEEDS, this.#below));
      await Promise.all(Array.from({ length: LANES }, () => this.#overHttp(mutated(WIRES, this.#below))));
      if (done >= count / 10) warm ??= process.memoryUsage.rss();
    }
    // Whoever asks now is served.
    assert.equal((await this.#overHttp(WIRES[0] as Buffer))[0], OCSPCertStatus.GOOD);
    const { byType } = this.#responder.health().answers;
    assert.equal(byType['internalError'], 0);
    const growth = Math.round((process.memoryUsage.rss() - (warm as number)) / 2 ** 20);
    this.tally.set('MiB more', growth);
    assert.ok(growth < GROWTH, `${growth} MiB more than after a tenth`);
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#responder.close();
  }

  async #inProcess(bytes: Buffer): Promise<void> {
    try {
      const answer = this.#responder.answer(bytes);
      const { der } = answer instanceof Promise ? await answer : answer;
      const statuses = this.#check(der);
      if (statuses.length === 0) return;
      // What was answered was asked.
      const { requests } = loadDerOcspRequest(bytes, { strict: false });
      const { responses } = loadDerOcspResponse(der);
      assert.deepEqual(
        responses.map(({ serialNumber }) => serialNumber),
        requests.map(({ serialNumber }) => serialNumber),
      );
    } catch (error) {
      throw new Error(`request ${bytes.toString('hex')}: ${(error as Error).stack}`, { cause: error });
    }
  }

  /** The statuses that the answers tell. */
  async #overHttp(bytes: Buffer): Promise<OCSPCertStatus[]> {
    const chunks: Buffer[] = [];
    await new Promise<void>((resolve) => {
      const socket = connect(this.#port, '127.0.0.1', () => socket.end(bytes));
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });
    try {
      return this.#readReplies(Buffer.concat(chunks), /^HEAD /.test(bytes.toString('latin1', 0, 5)));
    } catch (error) {
      throw new Error(`connection ${bytes.toString('hex')}: ${(error as Error).stack}`, { cause: error });
    }
  }

  #readReplies(stream: Buffer, isHead: boolean): OCSPCertStatus[] {
    const statuses: OCSPCertStatus[] = [];
    let rest = stream;
    while (rest.length > 0) {
      const end = rest.indexOf('\r\n\r\n');
      const head = rest.toString('latin1', 0, end);
      assert.match(head, /^HTTP\/1\.1 (200|304|400|405|408|413|414|417|431) /);
      this.#count(`HTTP ${head.slice(9, 12)}`);
      // Node's own refusal of a request without Host has an empty body in chunks.
      const empty = /^transfer-encoding: chunked$/im.test(head) ? '0\r\n\r\n'.length : 0;
      const length = isHead ? 0 : Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? empty);
      const body = rest.subarray(end + 4, end + 4 + length);
      assert.equal(body.length, length);
      if (/^content-type: application\/ocsp-response$/im.test(head) && !isHead) statuses.push(...this.#check(body));
      rest = rest.subarray(end + 4 + length);
    }
    return statuses;
  }

  /** An answer that clients accept, and no one is good who is not on the list: the statuses that it tells. */
  #check(der: Buffer): OCSPCertStatus[] {
    const response = loadDerOcspResponse(der);
    const { responseStatus } = response;
    if (responseStatus !== OCSPResponseStatus.SUCCESSFUL) {
      this.#count(OCSPResponseStatus[responseStatus] as string);
      return [];
    }
    return [...response.responses].map((single) => {
      const { serialNumber, certificateStatus } = single;
      // One that is not this CA's is answered for with "unknown", beside one that is.
      const isOwn = OWN.has(issuerOf(single));
      if (isOwn || certificateStatus !== OCSPCertStatus.UNKNOWN) {
        const verdict = this.#verifier.verify(der, { certId: single, issuer: ca.certificate });
        assert.notEqual(verdict.status, null, verdict.explain());
      }
      const listed = this.#authority.entries.get(serialNumber.toString(16).toUpperCase())?.status;
      if (certificateStatus !== OCSPCertStatus.UNKNOWN) assert.equal(certificateStatus, listed);
      this.#count(OCSPCertStatus[certificateStatus] as string);
      return certificateStatus;
    });
  }

  #count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }
}

/** Gives a responder so many inputs. The error of one that fails has it. */
export async function fuzzResponder(count: number, seed: number): Promise<Tally> {
  const fuzzer = new Fuzzer(seed);
  try {
    await fuzzer.run(count);
  } finally {
    await fuzzer.end();
  }
  return fuzzer.tally;
}

const [count, seed] = process.argv.slice(2);
if (import.meta.filename === process.argv[1]) console.log(await fuzzResponder(Number(count), Number(seed)));
