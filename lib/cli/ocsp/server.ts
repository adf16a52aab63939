/** `-port`: answers over HTTP, with the lines that `openssl ocsp -port` prints. */
import cluster, { type Worker } from 'node:cluster';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OCSPResponseStatus } from '../../ocsp/enums.js';
import { printRequest, printResponse } from '../../ocsp/printing.js';
import { loadDerOcspRequest, type OCSPRequest } from '../../ocsp/request.js';
import { OCSPResponseBuilder } from '../../ocsp/response-builder.js';
import { readTarget } from '../../responder/request-target.js';
import { type Database, loadDatabase } from './database.js';
import { atoi } from './grammar.js';
import { indexState } from './index-file.js';
import { type ResponderSettings, respond } from './responder.js';
import { PROGRAM, type Session, Stop } from './session.js';
import type { Settings } from './settings.js';

/** More than any request has; OpenSSL has no limit. */
const LONGEST_REQUEST = 1 << 20;
const STATUS_NAMES: Readonly<Record<number, string>> = {
  [OCSPResponseStatus.MALFORMED_REQUEST]: 'malformedrequest',
  [OCSPResponseStatus.INTERNAL_ERROR]: 'internalerror',
};

/**
 * Answers until it has answered `-nrequest` requests, or for ever. The exit code. Unlike OpenSSL's it goes on whatever a client sends,
 * keeps connections open, and closes idle ones.
 */
export async function serveRequests(
  session: Session,
  settings: Settings,
  responder: ResponderSettings,
): Promise<number> {
  const processes = settings.text('multi');
  if (processes !== undefined && cluster.isPrimary) return await supervise(session, atoi(processes));
  if (cluster.isPrimary) session.say(`${PROGRAM}: waiting for OCSP client connections...`);
  const answerer = new FileAnswerer(session, settings, responder);
  const limit = settings.text('nrequest');
  let left = limit === undefined ? Number.POSITIVE_INFINITY : atoi(limit);
  const timeout = atoi(settings.text('timeout') ?? '0') * 1000 || 60_000;
  const limits = { requestTimeout: timeout, headersTimeout: timeout, connectionsCheckingInterval: 1000 };
  return await new Promise<number>((resolve, reject) => {
    const server = createServer(limits, (request, response) => {
      session.say(
        `${PROGRAM}: Received request, 1st line: ${request.method} ${request.url} HTTP/${request.httpVersion}`,
      );
      readRequest(request, (asked) => {
        if (asked.complaint !== undefined) session.say(`${PROGRAM}: ${asked.complaint}`);
        const der = answerer.answer(asked.request);
        left -= 1;
        if (left === 0) response.setHeader('Connection', 'close');
        // Where OpenSSL sends an empty 400 and then the answer, as if it were another one's, this is one reply.
        const status = asked.complaint === undefined ? 200 : 400;
        response.writeHead(status, { 'Content-type': 'application/ocsp-response', 'Content-Length': der.length });
        response.end(der, () => {
          if (left > 0) return;
          server.close(() => resolve(0));
          server.closeAllConnections();
        });
      });
    });
    server.setTimeout(timeout);
    server.on('error', reject);
    server.listen({ port: settings.text('port'), backlog: 128 }, () => {
      if (cluster.isPrimary) session.stdout.write(`ACCEPT ${addressOf(server)} PID=${process.pid}\n`);
    });
  });
}

/** Milliseconds before a process is replaced that could not start. */
const PAUSE = 1000;

/** So many processes that answer; each that ends is replaced. The exit code: 1 where the first of them cannot listen. */
function supervise(session: Session, count: number): Promise<number> {
  session.say(`${PROGRAM}: waiting for OCSP client connections...`);
  const listening = new WeakSet<Worker>();
  let hasBegun = false;
  cluster.on('listening', (worker, { port }) => {
    listening.add(worker);
    if (!hasBegun) session.stdout.write(`ACCEPT [::]:${port} PID=${process.pid}\n`);
    hasBegun = true;
  });
  return new Promise((resolve) => {
    let isEnding = false;
    let exitCode = 0;
    const workers = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const endIfAlone = (): void => {
      if (workers().length === 0) resolve(exitCode);
    };
    const end = (signal: NodeJS.Signals): void => {
      isEnding = true;
      for (const worker of workers()) worker.kill(signal);
      endIfAlone();
    };
    cluster.on('exit', (worker, code) => {
      // One that has answered -nrequest requests ends well, and so does the whole with the last of them.
      if (isEnding || code === 0) endIfAlone();
      else if (listening.has(worker)) cluster.fork();
      else if (hasBegun) setTimeout(() => isEnding || cluster.fork(), PAUSE);
      else {
        exitCode = 1;
        end('SIGTERM');
      }
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end);
    for (let i = 0; i < count; i += 1) cluster.fork();
  });
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** What a client asks; neither for one who only looks whether somebody is there. */
interface Asked {
  readonly request?: OCSPRequest;
  /** What OpenSSL says of a request that is none. */
  readonly complaint?: string;
}

const NO_REQUEST: Asked = { complaint: 'Error parsing DER-encoded request content' };

function readRequest(request: IncomingMessage, done: (asked: Asked) => void): void {
  const { method, url = '/', httpVersion } = request;
  if (method === 'GET') {
    done(askedBy(url));
    return;
  }
  if (method !== 'POST') {
    const line = `${method} ${url} HTTP/${httpVersion}`;
    done({ complaint: `HTTP request does not begin with GET or POST: ${line}` });
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= LONGEST_REQUEST) chunks.push(chunk);
  });
  request.on('end', () => done(length > LONGEST_REQUEST ? NO_REQUEST : requestIn(Buffer.concat(chunks))));
  // Who is gone gets no answer.
  request.on('error', () => undefined);
}

/** What the target of a GET asks. */
function askedBy(url: string): Asked {
  const target = readTarget(url, [], LONGEST_REQUEST);
  if (target.kind === 'request') return requestIn(target.der);
  if (target.kind === 'empty') return {};
  if (!/%(?![0-9A-F]{2})/i.test(url)) return NO_REQUEST;
  return { complaint: `Invalid GET request -- bad URL encoding: ${url.replace(/^\//, '')}` };
}

function requestIn(content: Buffer): Asked {
  try {
    return { request: loadDerOcspRequest(content, { strict: false }) };
  } catch {
    return NO_REQUEST;
  }
}

/** Answers out of a database that it reads again when the file has changed. */
class FileAnswerer {
  readonly #session: Session;
  readonly #settings: Settings;
  readonly #responder: ResponderSettings;
  readonly #index: string;
  #database: Database;
  #state: string;

  constructor(session: Session, settings: Settings, responder: ResponderSettings) {
    this.#session = session;
    this.#settings = settings;
    this.#responder = responder;
    this.#index = settings.text('index') as string;
    this.#database = responder.database;
    this.#state = responder.readAs;
  }

  answer(request: OCSPRequest | undefined): Buffer {
    const session = this.#session;
    const { flags } = this.#settings;
    this.#readAgain();
    let der = unsuccessful(OCSPResponseStatus.MALFORMED_REQUEST);
    try {
      if (request !== undefined) {
        if (flags.has('req_text')) this.#write(() => session.printMessage(printRequest(request.publicBytes())));
        der = respond(session, request, { ...this.#responder, database: this.#database });
      }
    } catch (error) {
      // Where OpenSSL's command ends, this one says so to the client and goes on.
      if (!(error instanceof Stop)) session.say(`${PROGRAM}: ${(error as Error).message}`);
      der = unsuccessful(OCSPResponseStatus.INTERNAL_ERROR);
    }
    session.printErrors();
    const status = der.length === 5 ? (der[4] as number) : OCSPResponseStatus.SUCCESSFUL;
    if (status !== OCSPResponseStatus.SUCCESSFUL)
      this.#write(() => session.print(`Responder Error: ${STATUS_NAMES[status] ?? '(UNKNOWN)'} (${status})\n`));
    else if (flags.has('resp_text')) this.#write(() => session.printMessage(printResponse(der)));
    return der;
  }

  /** What the file of `-out` does not take, as on a full disk, keeps no answer from a client. */
  #write(print: () => void): void {
    try {
      print();
    } catch (error) {
      this.#session.say(`${PROGRAM}: ${(error as Error).message}`);
    }
  }

  #readAgain(): void {
    const state = indexState(this.#index);
    if (state === this.#state) return;
    try {
      const database = loadDatabase(this.#session, this.#index);
      // Written while it was read: the next request looks again.
      if (indexState(this.#index) !== state) return;
      this.#database = database;
      this.#state = state;
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      this.#session.printErrors();
      this.#session.say(`${PROGRAM}: error reloading updated index: ${this.#index}`);
    }
  }
}

function unsuccessful(status: OCSPResponseStatus): Buffer {
  return OCSPResponseBuilder.buildUnsuccessful(status).publicBytes();
}
