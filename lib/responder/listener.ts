/** OCSP over HTTP (RFC 6960 appendix A, RFC 9919 sections 5 and 6), on what `node:http` gives. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { OCSPResponseStatus } from '../ocsp/enums.js';
import { type Answer, errorAnswer } from './answer.js';
import { readBody } from './body.js';
import type { Limits } from './options.js';
import { readTarget } from './request-target.js';
import type { ResponderListener } from './responder.js';

/** What HTTP has to know of a responder. */
export interface HttpOptions {
  /** `target` is that of the GET that the request was in. */
  readonly answer: (request: Uint8Array, target?: string) => Answer | Promise<Answer>;
  /** The answer to a GET that came before with this target, if that is remembered. */
  readonly answerAgain: (target: string) => Answer | Promise<Answer> | undefined;
  readonly limits: () => Limits;
  readonly isDraining: () => boolean;
  readonly onPathMerged: () => void;
  readonly onError: (error: unknown) => void;
}

/** An HTTP response: status, headers and body. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A character for each byte: so `node:http` writes it together with the headers. */
  readonly body: string;
}

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' } as const;
const CLOSE = { Connection: 'close' } as const;
const ALLOW = 'GET, HEAD, POST';

/** A reply without an answer. */
export function plainReply(status: number, text: string, headers: Record<string, string> = {}): Reply {
  const body = `${text}\n`;
  const length = { 'Content-Length': String(Buffer.byteLength(body)) };
  return { status, body, headers: { ...TEXT, ...length, 'Cache-Control': 'max-age=0, no-cache', ...headers } };
}

/** The reply to a method that is none of OCSP's. */
export function methodReply(): Reply {
  return plainReply(405, 'OCSP requests come by GET or POST', { Allow: ALLOW });
}

/** The reply to a body that is longer than requests are. */
export function tooLargeReply(): Reply {
  return plainReply(413, 'the request is too long', CLOSE);
}

/** The reply to a GET. */
export function getReply(http: HttpOptions, target: string, ifNoneMatch: string | undefined): Reply | Promise<Reply> {
  const answer = http.answerAgain(target) ?? newAnswer(http, target);
  if (answer instanceof Promise) return answer.then((late) => answerReply(http, late, true, ifNoneMatch));
  return 'body' in answer ? answer : answerReply(http, answer, true, ifNoneMatch);
}

/** The answer to a GET that is not remembered, or the reply where it asks nothing. */
function newAnswer(http: HttpOptions, target: string): Answer | Promise<Answer> | Reply {
  const { basePaths, maxRequestBytes } = http.limits();
  const content = readTarget(target, basePaths, maxRequestBytes);
  switch (content.kind) {
    case 'empty':
      return plainReply(200, 'OCSP responder');
    case 'too-long':
      return plainReply(414, 'the request is too long');
    case 'merged':
      http.onPathMerged();
      return errorAnswer(OCSPResponseStatus.MALFORMED_REQUEST);
    case 'malformed':
      return errorAnswer(OCSPResponseStatus.MALFORMED_REQUEST);
    case 'request':
      return http.answer(content.der, target);
  }
}

/** The reply with an answer. */
export function answerReply(http: HttpOptions, answer: Answer, isGet: boolean, ifNoneMatch: string | undefined): Reply {
  const { cachePost, errorStatus } = http.limits();
  const headers = answer.headersFor(isGet || cachePost);
  if (ifNoneMatch !== undefined && answer.etag !== null && matches(ifNoneMatch, answer.etag)) {
    const { 'Content-Length': _length, 'Content-Type': _type, ...others } = headers;
    return { status: 304, headers: others, body: '' };
  }
  return { status: errorStatus === 'mapped' ? mappedStatus(answer) : 200, headers, body: answer.latin1 };
}

/** Clients drop the body of anything but 200; some operators count errors by the status. */
function mappedStatus({ responseStatus }: Answer): number {
  switch (responseStatus) {
    case OCSPResponseStatus.MALFORMED_REQUEST:
      return 400;
    case OCSPResponseStatus.INTERNAL_ERROR:
      return 500;
    case OCSPResponseStatus.TRY_LATER:
      return 503;
    case OCSPResponseStatus.SIG_REQUIRED:
    case OCSPResponseStatus.UNAUTHORIZED:
      return 403;
    default:
      return 200;
  }
}

/** If-None-Match: a list of entity tags, weak ones too, or `*` (RFC 9110 section 13.1.2). */
function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((item) => {
    const tag = item.trim();
    return tag === '*' || tag === etag || tag === `W/${etag}`;
  });
}

/**
 * Place of the value of a header among `rawHeaders`; -1 for none. (`headers` is made of all of them when it is first looked at, and most
 * clients send none that matters here.)
 */
function placeOf({ rawHeaders = [] }: Partial<IncomingMessage>, name: string): number {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const given = rawHeaders[i] as string;
    if (given.length === name.length && given.toLowerCase() === name) return i + 1;
  }
  return -1;
}

function ifNoneMatchOf(request: IncomingMessage): string | undefined {
  // What stands in for `node:http` may have nothing but `headers`.
  const isThere = !request.rawHeaders?.length || placeOf(request, 'if-none-match') >= 0;
  return isThere ? request.headers['if-none-match'] : undefined;
}

/** Bytes of the body, as the headers say; NaN where they do not. */
function lengthOf(request: IncomingMessage): number {
  return Number(request.rawHeaders?.[placeOf(request, 'content-length')] ?? request.headers['content-length']);
}

/** The reply to a POST of another content type than that of requests. */
export function typeReply(contentType: string | null | undefined): Reply | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/ocsp-request') return undefined;
  return plainReply(415, 'the content type is application/ocsp-request', CLOSE);
}

/** The reply to a POST whose body is not read. */
function refusal(
  { maxRequestBytes, strictContentType }: Limits,
  request: IncomingMessage,
  length: number,
): Reply | undefined {
  const refused = strictContentType ? typeReply(request.headers['content-type']) : undefined;
  return refused ?? (length > maxRequestBytes ? tooLargeReply() : undefined);
}

/**
 * Answers in a row to one connection. `node:http` reads on as long as a client sends faster than it is answered, megabytes in one turn of
 * the event loop, and no one else gets an answer meanwhile. Behind an answer that comes in the next turn it reads no more than it can
 * send.
 */
const IN_A_ROW = 64;
const ANSWERED = Symbol('answers');

/** Whether others are to be answered before this connection is. */
function isEnough(request: IncomingMessage): boolean {
  const socket: Partial<Socket> & { [ANSWERED]?: number } = request.socket ?? {};
  const count = (socket[ANSWERED] ?? 0) + 1;
  socket[ANSWERED] = count;
  return count % IN_A_ROW === 0;
}

/** A function for `node:http`. */
export function makeListener(http: HttpOptions): ResponderListener {
  const send = (request: IncomingMessage, response: ServerResponse, { status, headers, body }: Reply): void => {
    if (response.headersSent || response.destroyed) return;
    response.writeHead(status, http.isDraining() ? { ...headers, ...CLOSE } : headers);
    if (request.method === 'HEAD' || status === 304) response.end();
    else response.end(body, 'latin1');
  };
  const sendInTurn = (request: IncomingMessage, response: ServerResponse, reply: Reply): void => {
    if (isEnough(request)) setImmediate(send, request, response, reply);
    else send(request, response, reply);
  };
  const fail = (request: IncomingMessage, response: ServerResponse, error: unknown): void => {
    http.onError(error);
    send(request, response, answerReply(http, errorAnswer(OCSPResponseStatus.INTERNAL_ERROR), false, undefined));
  };
  const sendLate = (request: IncomingMessage, response: ServerResponse, reply: Promise<Reply>): void => {
    reply.then(
      (late) => sendInTurn(request, response, late),
      (error: unknown) => fail(request, response, error),
    );
  };
  const onPost = (request: IncomingMessage, response: ServerResponse): void => {
    const limits = http.limits();
    const length = lengthOf(request);
    const refused = refusal(limits, request, length);
    if (refused !== undefined) {
      // What comes after a refusal is not kept; the connection ends with the reply.
      request.resume();
      send(request, response, refused);
      return;
    }
    readBody(request, limits.maxRequestBytes, (body) => {
      if (body === 'too long') return send(request, response, tooLargeReply());
      if (body === 'too late') return send(request, response, plainReply(408, 'the request did not come', CLOSE));
      const answer = http.answer(body);
      if (answer instanceof Promise)
        return sendLate(
          request,
          response,
          answer.then((late) => answerReply(http, late, false, undefined)),
        );
      sendInTurn(request, response, answerReply(http, answer, false, undefined));
    });
  };
  return (request, response) => {
    try {
      switch (request.method) {
        case 'GET':
        case 'HEAD': {
          const reply = getReply(http, request.url ?? '/', ifNoneMatchOf(request));
          if (reply instanceof Promise) sendLate(request, response, reply);
          else sendInTurn(request, response, reply);
          return;
        }
        case 'POST':
          return onPost(request, response);
        default:
          send(request, response, methodReply());
      }
    } catch (error) {
      fail(request, response, error);
    }
  };
}
