/** A responder over HTTP on the loopback, that answers as told: right, wrong, late, half, or not at all. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { types } from 'node:util';
import { invalidValue } from '../errors.js';
import { loadDerOcspRequest, type OCSPRequest } from '../ocsp/request.js';
import type { HashAlgorithm } from '../x509/algorithms.js';
import { integerFromBytes } from '../x509/integer.js';
import { OCSPExtensionOID } from '../x509/oids.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { serialToBytes } from '../x509/serial-number.js';
import { type HttpBehaviour, isHttpBehaviour, sendAs } from './responder-faults.js';
import {
  buildTestResponse,
  ENTRY_NAMES,
  RESPONSE_NAMES,
  type TestEntry,
  type TestResponseOptions,
  testErrorResponse,
} from './response.js';
import { createTestCa, type TestCa, type TestIdentity } from './test-ca.js';

/** Answers that are signed: right ones, and ones that a client has to refuse. */
export type TestAnswer =
  | 'good'
  | 'revoked'
  | 'unknown'
  | 'expired'
  | 'not-yet-valid'
  | 'other-certificate'
  | 'broken-signature'
  | 'stranger';

const ANSWERS: Readonly<Record<TestAnswer, true>> = {
  good: true,
  revoked: true,
  unknown: true,
  expired: true,
  'not-yet-valid': true,
  'other-certificate': true,
  'broken-signature': true,
  stranger: true,
};

/** Error statuses of RFC 6960 section 4.2.1. */
export type TestErrorStatus = 'malformedRequest' | 'internalError' | 'tryLater' | 'sigRequired' | 'unauthorized';

/**
 * What a {@link TestResponder} does. A number is an HTTP status with a page as body; bytes are the body of an answer.
 *
 * | name | what it does |
 * |---|---|
 * | `good`, `revoked`, `unknown` | a right answer by the hash that was asked, with the nonce of the request |
 * | `expired`, `not-yet-valid` | good, of another time |
 * | `other-certificate` | good, about the next serial number |
 * | `broken-signature`, `stranger` | good, with a wrong signature; by a CA that no one knows |
 * | `malformedRequest`, `internalError`, `tryLater`, `sigRequired`, `unauthorized` | an error status of OCSP |
 * | `late` | good, after {@link TestResponderOptions.delay} |
 * | `slow` | good, a byte at a time, as many milliseconds apart |
 * | `half` | the first half of a good answer, then the end of the connection |
 * | `cut` | the first half of a good answer as if it were all |
 * | `silent`, `gone` | nothing; the connection is reset |
 * | `endless`, `endless-header` | a body, a header without end |
 * | `text`, `empty`, `wrong-type` | a page, nothing, a good answer that is called a page |
 * | `redirect-loop` | a redirect to itself |
 * | `switching-protocols` | status 101 |
 * | `bare-lf`, `no-colon` | good, lines of the header end in LF alone; one has no colon |
 * | `not-http` | the greeting of another protocol |
 */
export type TestBehaviour = TestAnswer | TestErrorStatus | HttpBehaviour | number | Uint8Array;

/** One question that came in. */
export interface TestResponderRequest {
  readonly method: string;
  /** Target of the request line, as it came. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  /** The request; null where it is none. */
  readonly request: OCSPRequest | null;
  /** The CertID hash of its first entry; null where it has none. */
  readonly hashAlgorithm: HashAlgorithm | null;
  /** The serial number of its first entry; null where it has none. */
  readonly serialNumber: bigint | null;
  /** `Date.now()` when all of it was there. */
  readonly at: number;
}

/** Chooses what to do for each request; may take its time. */
export type TestBehaviourFunction = (request: TestResponderRequest) => TestBehaviour | Promise<TestBehaviour>;

/** Options of {@link TestResponder.start}. */
export interface TestResponderOptions {
  /** What it does. Default `good`. */
  behaviour?: TestBehaviour | TestBehaviourFunction;
  /** Who signs. Default: a delegate that the CA issues, whose certificate is included. */
  signer?: TestIdentity;
  /** Milliseconds of `late`, and between the bytes of `slow`. Default 100. */
  delay?: number;
  /** CertID hashes that it knows; by others it answers `unauthorized`. Default: all. */
  hashes?: readonly `${HashAlgorithm}`[];
  /** What the entries of its answers have in common, such as their times. */
  entry?: Partial<Omit<TestEntry, 'certificate' | 'issuer'>>;
  /** What its answers have in common. */
  response?: Partial<Omit<TestResponseOptions, 'entries' | 'signer'>>;
  /** Default 127.0.0.1. */
  host?: string;
}

const OPTION_NAMES: OptionNames<TestResponderOptions> = {
  behaviour: true,
  signer: true,
  delay: true,
  hashes: true,
  entry: true,
  response: true,
  host: true,
};

const STATUSES: Readonly<Record<TestErrorStatus, number>> = {
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
};
const DAY = 24 * 3600 * 1000;

/**
 * A responder for tests of clients. It takes GET and POST, and remembers what it was asked.
 *
 * @example
 * ```ts
 * const ca = createTestCa();
 * const responder = await TestResponder.start(ca);
 * const leaf = ca.issue({ aia: { ocsp: [responder.url] } });
 * responder.setStatus(leaf.certificate.serialNumber, 'revoked');
 * responder.behaviour = 'late';
 * await responder.close();
 * ```
 */
export class TestResponder {
  #behaviour: TestBehaviour | TestBehaviourFunction;
  /** Where it listens, with a slash at the end. */
  readonly url: string;
  readonly #server: Server;
  readonly #ca: TestCa;
  readonly #options: TestResponderOptions;
  readonly #signer: TestIdentity;
  readonly #statuses = new Map<bigint, TestBehaviour>();
  readonly #requests: TestResponderRequest[] = [];

  private constructor(ca: TestCa, server: Server, options: TestResponderOptions) {
    const { address, port } = server.address() as AddressInfo;
    this.url = `http://${isIPv6(address) ? `[${address}]` : address}:${port}/`;
    this.#behaviour = options.behaviour ?? 'good';
    this.#ca = ca;
    this.#server = server;
    this.#options = options;
    this.#signer = options.signer ?? ca.issueResponder();
    server.on('request', (request, response) => {
      // A client that goes away is the client's affair.
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  /**
   * Starts one on a free port. It answers for the certificates of `ca`.
   *
   * @throws (rejects with) TypeError; `ERR_OCSP_INVALID_VALUE`; Node's error where it cannot listen.
   */
  static async start(ca: TestCa, options: TestResponderOptions = {}): Promise<TestResponder> {
    const { entry = {}, response = {}, ...others } = readOptions(options, OPTION_NAMES);
    const given = {
      ...others,
      entry: readOptions<Partial<TestEntry>>(entry, ENTRY_NAMES, 'entry'),
      response: readOptions<Partial<TestResponseOptions>>(response, RESPONSE_NAMES, 'response'),
    };
    if (typeof given.behaviour !== 'function') checkBehaviour(given.behaviour ?? 'good');
    const server = createServer().listen(0, given.host ?? '127.0.0.1');
    await once(server, 'listening');
    return new TestResponder(ca, server, given);
  }

  /** What it does from the next request on. */
  get behaviour(): TestBehaviour | TestBehaviourFunction {
    return this.#behaviour;
  }

  /** @throws `ERR_OCSP_INVALID_VALUE` for what there is not. */
  set behaviour(behaviour: TestBehaviour | TestBehaviourFunction) {
    this.#behaviour = typeof behaviour === 'function' ? behaviour : checkBehaviour(behaviour);
  }

  /** What it was asked so far, the oldest first. */
  get requests(): readonly TestResponderRequest[] {
    return this.#requests;
  }

  /**
   * What `good` is for one certificate from now on.
   *
   * @param serialNumber - As `X509Certificate` has it, or a bigint.
   * @throws `ERR_OCSP_INVALID_VALUE` for a status that there is not.
   */
  setStatus(serialNumber: bigint | string, status: TestBehaviour): void {
    this.#statuses.set(integerFromBytes(serialToBytes(serialNumber)), checkBehaviour(status));
  }

  /** The body of an answer to a request. */
  answer(request: OCSPRequest, answer: TestAnswer = 'good'): Buffer {
    const [asked] = request.requests;
    if (asked === undefined) throw invalidValue('the request asks about nothing');
    const { response, entry } = this.#options;
    const now = Date.now();
    const nonce = [...request.extensions].filter(({ oid }) => oid === OCSPExtensionOID.NONCE);
    const isError = answer !== 'revoked' && answer !== 'unknown';
    const signer = answer === 'stranger' ? createTestCa({ subject: 'CN=Stranger' }) : this.#signer;
    return buildTestResponse({
      certificates: [signer.certificate],
      extensions: nonce.map(({ oid, value }) => ({ oid, value: value.publicBytes() })),
      breakSignature: answer === 'broken-signature',
      ...response,
      signer,
      entries: [
        {
          status: isError ? 'good' : answer,
          ...(answer === 'expired' && { thisUpdate: new Date(now - 2 * DAY), nextUpdate: new Date(now - DAY) }),
          ...(answer === 'not-yet-valid' && { thisUpdate: new Date(now + DAY), nextUpdate: new Date(now + 2 * DAY) }),
          ...entry,
          certificate: this.#ca.certificate,
          issuer: this.#ca.certificate,
          hash: asked.hashAlgorithm as NonNullable<TestEntry['hash']>,
          issuerNameHash: asked.issuerNameHash,
          issuerKeyHash: asked.issuerKeyHash,
          serialNumber: asked.serialNumber + (answer === 'other-certificate' ? 1n : 0n),
        },
      ],
    });
  }

  /** Ends all connections and stops. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** {@link close} */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = toRequest(message, await bodyOf(message));
    this.#requests.push(request);
    const current = this.#behaviour;
    const chosen = typeof current === 'function' ? checkBehaviour(await current(request)) : current;
    const own = request.serialNumber === null ? undefined : this.#statuses.get(request.serialNumber);
    const behaviour = chosen === 'good' && own !== undefined ? own : chosen;
    const isHttp = isOfHttp(behaviour);
    // What is sent late, slowly, in part: the answer of that certificate.
    const content = !isHttp ? behaviour : own === undefined || isOfHttp(own) ? 'good' : own;
    await sendAs(
      isHttp ? behaviour : 'whole',
      this.#bodyFor(request, content),
      message,
      response,
      this.#options.delay ?? 100,
    );
  }

  #bodyFor(
    { request, hashAlgorithm }: TestResponderRequest,
    behaviour: TestAnswer | TestErrorStatus | Uint8Array,
  ): Buffer {
    if (typeof behaviour !== 'string') return Buffer.from(behaviour);
    if (behaviour in STATUSES) return testErrorResponse(STATUSES[behaviour as TestErrorStatus]);
    if (request === null || hashAlgorithm === null) return testErrorResponse(STATUSES.malformedRequest);
    const { hashes } = this.#options;
    if (hashes !== undefined && !hashes.includes(hashAlgorithm)) return testErrorResponse(STATUSES.unauthorized);
    return this.answer(request, behaviour as TestAnswer);
  }
}

/** (A name that is mistyped would be a good answer.) */
function checkBehaviour(value: TestBehaviour): TestBehaviour {
  const isName =
    isHttpBehaviour(value) ||
    (typeof value === 'string' && (Object.hasOwn(ANSWERS, value) || Object.hasOwn(STATUSES, value)));
  if (typeof value === 'number' || types.isUint8Array(value) || isName) return value;
  throw invalidValue(`a TestResponder has no behaviour '${String(value)}'`);
}

/** Whether it is a way to answer, whatever the answer is. */
function isOfHttp(behaviour: TestBehaviour): behaviour is HttpBehaviour | number {
  return typeof behaviour === 'number' || isHttpBehaviour(behaviour);
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  if (message.method !== 'POST') {
    const encoded = /[^/]*$/.exec(message.url ?? '')?.[0] ?? '';
    return Buffer.from(decodeURIComponent(encoded), 'base64');
  }
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function toRequest({ method = '', url = '', headers }: IncomingMessage, body: Buffer): TestResponderRequest {
  let request: OCSPRequest | null = null;
  try {
    request = loadDerOcspRequest(body);
  } catch {} // it is answered as such
  const entry = request?.requests[0];
  return {
    method,
    target: url,
    headers,
    request,
    hashAlgorithm: entry?.hashAlgorithm ?? null,
    serialNumber: entry?.serialNumber ?? null,
    at: Date.now(),
  };
}
