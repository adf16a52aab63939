/** One HTTP request and the answer to it, over node:http, a proxy, or a `fetch` of the caller. */
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { abortable } from './abortable.js';
import { checkHost, guardedLookup, watchAddress } from './addresses.js';
import { type ProxySetting, proxyAuthorization, proxyFor } from './proxy.js';

/** Bytes of the largest body. What one certificate needs is a few thousand. */
export const LARGEST_BODY: number = 1024 * 1024;
/** Connections to one responder at a time; more questions wait for one that is free. */
const MOST_SOCKETS = 32;

/** What is sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** For POST. */
  readonly body: Buffer;
  readonly signal: AbortSignal;
  /** Only public addresses are asked. */
  readonly guarded: boolean;
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  header(name: string): string | undefined;
  /** Reads the body to its end; not more than {@link LARGEST_BODY} and a piece. */
  body(): Promise<Buffer>;
  /** No one will read the body. */
  discard(): void;
}

/** Sends a request; rejects when there is no answer by HTTP. */
export interface Transport {
  send(url: URL, request: HttpRequest): Promise<HttpAnswer>;
  /** Ends connections that are kept. */
  close(): void;
}

/** Agents of the caller, for either scheme. */
export interface ClientAgents {
  readonly http?: http.Agent;
  readonly https?: https.Agent;
}

/** The body is longer than any answer. */
export class TooLargeError extends Error {
  constructor() {
    super(`an answer of more than ${LARGEST_BODY} bytes`);
  }
}

/** Over node:http and node:https. */
export class NodeTransport implements Transport {
  readonly #proxy: ProxySetting;
  readonly #given: ClientAgents;
  /** Of its own. A connection to a name was made by its lookup, so guarded ones are not shared with others. */
  readonly #own = new Map<string, http.Agent>();

  constructor(proxy: ProxySetting, agents: ClientAgents = {}) {
    this.#proxy = proxy;
    this.#given = agents;
  }

  async send(url: URL, request: HttpRequest): Promise<HttpAnswer> {
    if (request.guarded) checkHost(url);
    const proxy = proxyFor(url, this.#proxy);
    const { method, headers, signal } = request;
    const options: RequestOptions = {
      method,
      headers,
      signal,
      // Old responders end lines in LF alone. What an answer is worth its signature decides, not its header.
      insecureHTTPParser: true,
    };
    if (proxy === null) {
      const agent = this.#agentFor(url.protocol, request.guarded);
      options.agent = agent;
      if (request.guarded) options.lookup = guardedLookup;
      return await exchange(url, options, request, request.guarded && mayConnectElsewhere(agent, url.protocol));
    }
    if (url.protocol === 'https:') {
      const socket = await tunnel(proxy, url, signal);
      const inside = encrypted(socket, url);
      // (With an agent, even `false`, Node makes a connection of its own, past the proxy.)
      options.createConnection = () => inside;
      options.headers = { ...headers, Connection: 'close' };
      const answer = await exchange(url, options, request);
      // No one else knows of the connection, so no one else ends it.
      return { ...answer, discard: () => inside.destroy() };
    }
    const { hostname, port, protocol } = proxy;
    const auth = basicAuthorization(url);
    return await exchange(
      new URL(`${protocol}//${hostname}${port && `:${port}`}/`),
      {
        ...options,
        agent: this.#agentFor(protocol, false),
        path: `${url.origin}${url.pathname}${url.search}`,
        headers: { Host: url.host, ...headers, ...auth, ...proxyAuthorization(proxy) },
      },
      request,
    );
  }

  close(): void {
    for (const agent of this.#own.values()) agent.destroy();
    this.#own.clear();
  }

  #agentFor(protocol: string, guarded: boolean): http.Agent {
    const given = protocol === 'https:' ? this.#given.https : this.#given.http;
    if (given !== undefined) return given;
    const key = `${protocol}${guarded}`;
    let agent = this.#own.get(key);
    if (agent === undefined) {
      const options = { keepAlive: true, maxSockets: MOST_SOCKETS, scheduling: 'lifo' } as const;
      agent = protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
      this.#own.set(key, agent);
    }
    return agent;
  }
}

/**
 * Whether a connection of an agent may be one that {@link guardedLookup} did not choose: what an agent has of its own comes before what
 * a request has, and a connection that was kept for the application may lead anywhere. (An agent that connects by itself, or
 * through a proxy, leads to that.)
 */
function mayConnectElsewhere(agent: http.Agent, protocol: string): boolean {
  const { prototype } = protocol === 'https:' ? https.Agent : http.Agent;
  const { createConnection, createSocket, options } = agent as AgentParts;
  const parts = prototype as AgentParts;
  const isNodes = createConnection === parts.createConnection && createSocket === parts.createSocket;
  return options?.lookup !== undefined || (isNodes && options?.proxyEnv === undefined);
}

/** What Node.js' types do not say of agents. */
interface AgentParts {
  readonly createConnection?: unknown;
  readonly createSocket?: unknown;
  readonly options?: { readonly lookup?: unknown; readonly proxyEnv?: unknown };
}

/** @param isWatched - Where the connection leads to is looked at, before anything is sent. */
async function exchange(
  url: URL,
  options: RequestOptions,
  request: HttpRequest,
  isWatched: boolean = false,
): Promise<HttpAnswer> {
  const coming = new Promise<IncomingMessage>((resolve, reject) => {
    const send = (isRepeated: boolean): void => {
      const sent = (url.protocol === 'https:' ? https : http).request(url, options);
      if (isWatched) sent.on('socket', (socket) => watchAddress(socket, (error) => sent.destroy(error)));
      sent.on('response', resolve);
      // Node tells of status 101 in no other way.
      sent.on('upgrade', (upgraded: IncomingMessage, socket: Socket) => {
        socket.destroy();
        resolve(upgraded);
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server has closed a connection that was kept, before it knew of this request (RFC 9112 section 9.3.1).
        if (!isRepeated && sent.reusedSocket && error.code === 'ECONNRESET') send(true);
        else reject(error);
      });
      sent.end(request.method === 'POST' ? request.body : undefined);
    };
    send(false);
  });
  // (A request that an agent gives no connection ends without a word.)
  const message = await abortable(coming, request.signal);
  // What goes wrong behind the header is told to whoever reads the body.
  message.on('error', () => {});
  const { statusCode: status = 0, statusMessage: statusText = '' } = message;
  return {
    status,
    statusText,
    header: (name) => {
      const value = message.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    body: () => readBody(message),
    discard: () => message.destroy(),
  };
}

async function readBody(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    // (Leaving the loop ends the stream.)
    if (length > LARGEST_BODY) throw new TooLargeError();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Credentials in the URL of the responder, which Node would send where it connects to. */
function basicAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** A connection to the responder through a proxy (RFC 9110 section 9.3.6). */
async function tunnel(proxy: URL, target: URL, signal: AbortSignal): Promise<Socket> {
  const authority = `${target.hostname}:${target.port || '443'}`;
  return await new Promise((resolve, reject) => {
    const sent = (proxy.protocol === 'https:' ? https : http).request({
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      path: authority,
      headers: { Host: authority, ...proxyAuthorization(proxy) },
      signal,
      agent: false,
    });
    const refuse = (message: IncomingMessage): void => {
      sent.destroy();
      reject(new Error(`the proxy answers with HTTP status ${message.statusCode}`));
    };
    sent.on('connect', (message, socket) => {
      if (message.statusCode === 200) resolve(socket);
      else refuse(message);
    });
    sent.on('response', refuse);
    sent.on('upgrade', refuse);
    sent.on('error', reject);
    sent.end();
  });
}

function encrypted(socket: Socket, { hostname }: URL): TLSSocket {
  const host = hostname.replace(/^\[|\]$/g, '');
  // (Its error is told to the request; one that comes before or after that must not end the process.)
  return tlsConnect({ socket, host, ...(isIP(host) === 0 && { servername: host }) }).on('error', () => {});
}

/** Over a `fetch` of the caller. It resolves names itself, so the guard sees addresses only. */
export class FetchTransport implements Transport {
  readonly #fetch: typeof fetch;

  constructor(fetchFunction: typeof fetch) {
    this.#fetch = fetchFunction;
  }

  async send(url: URL, { method, headers, body, signal, guarded }: HttpRequest): Promise<HttpAnswer> {
    if (guarded) checkHost(url);
    const target = new URL(url);
    target.username = '';
    target.password = '';
    const coming = this.#fetch(target, {
      method,
      headers: { ...headers, ...basicAuthorization(url) },
      signal,
      redirect: 'manual',
      ...(method === 'POST' && { body: new Uint8Array(body) }),
    });
    // (It may wait for something else than the signal, such as its turn; and what comes too late is not read.)
    const response = await abortable(coming, signal).catch((error: unknown) => {
      coming.then((late) => late.body?.cancel()).catch(() => {});
      throw error;
    });
    const discard = (): void => {
      response.body?.cancel().catch(() => {});
    };
    return {
      status: response.status,
      statusText: response.statusText,
      header: (name) => response.headers.get(name) ?? undefined,
      body: () => abortable(readBody((response.body ?? []) as AsyncIterable<Uint8Array>), signal),
      discard,
    };
  }

  close(): void {}
}
