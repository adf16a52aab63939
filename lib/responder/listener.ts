/** OCSP over HTTP (RFC 6960 appendix A, RFC 9919 sections 5 and 6), on what `node:http` gives. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OCSPResponseStatus } from '../ocsp/enums.js';
import { type Answer, errorAnswer } from './answer.js';
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
  readonly headers: Record<string, string>;
  readonly body: Buffer | string;
}

/** Milliseconds in which the body of a request has to be there. */
const BODY_TIMEOUT = 10_000;

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
  const reply = (answer: Answer | Promise<Answer>): Reply | Promise<Reply> =>
    answer instanceof Promise
      ? answer.then((late) => answerReply(http, late, true, ifNoneMatch))
      : answerReply(http, answer, true, ifNoneMatch);
  const known = http.answerAgain(target);
  if (known !== undefined) return reply(known);
  const { basePaths, maxRequestBytes } = http.limits();
  const content = readTarget(target, basePaths, maxRequestBytes);
  switch (content.kind) {
    case 'empty':
      return plainReply(200, 'OCSP responder');
    case 'too-long':
      return plainReply(414, 'the request is too long');
    case 'merged':
      http.onPathMerged();
      return answerReply(http, errorAnswer(OCSPResponseStatus.MALFORMED_REQUEST), true, undefined);
    case 'malformed':
      return answerReply(http, errorAnswer(OCSPResponseStatus.MALFORMED_REQUEST), true, undefined);
    case 'request':
      return reply(http.answer(content.der, target));
  }
}

/** The reply with an answer. */
export function answerReply(http: HttpOptions, answer: Answer, isGet: boolean, ifNoneMatch: string | undefined): Reply {
  const { cachePost, errorStatus } = http.limits();
  const headers = answer.headersFor(isGet || cachePost);
  if (ifNoneMatch !== undefined && answer.etag !== null && matches(ifNoneMatch, answer.etag)) {
    delete headers['Content-Length'];
    delete headers['Content-Type'];
    return { status: 304, headers, body: '' };
  }
  return { status: errorStatus === 'mapped' ? mappedStatus(answer) : 200, headers, body: answer.bytes };
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

/** A function for `node:http`. */
export function makeListener(http: HttpOptions): ResponderListener {
  const send = (request: IncomingMessage, response: ServerResponse, { status, headers, body }: Reply): void => {
    if (response.headersSent || response.destroyed) return;
    if (http.isDraining()) headers['Connection'] = 'close';
    response.writeHead(status, headers);
    response.end(request.method === 'HEAD' || status === 304 ? undefined : body);
  };
  const fail = (request: IncomingMessage, response: ServerResponse, error: unknown): void => {
    http.onError(error);
    send(request, response, answerReply(http, errorAnswer(OCSPResponseStatus.INTERNAL_ERROR), false, undefined));
  };
  return (request, response) => {
    try {
      switch (request.method) {
        case 'GET':
        case 'HEAD': {
          const reply = getReply(http, request.url ?? '/', request.headers['if-none-match']);
          if (reply instanceof Promise)
            reply.then(
              (late) => send(request, response, late),
              (error: unknown) => fail(request, response, error),
            );
          else send(request, response, reply);
          return;
        }
        case 'POST':
          readBody(http, request, (result) => {
            if (!Buffer.isBuffer(result)) return send(request, response, result);
            const answer = http.answer(result);
            if (!(answer instanceof Promise))
              return send(request, response, answerReply(http, answer, false, undefined));
            answer.then(
              (late) => send(request, response, answerReply(http, late, false, undefined)),
              (error: unknown) => fail(request, response, error),
            );
          });
          return;
        default:
          send(request, response, methodReply());
      }
    } catch (error) {
      fail(request, response, error);
    }
  };
}

/** Reads the body; calls back with it, or with the reply when it will not be read. A client that is gone gets neither. */
function readBody(http: HttpOptions, request: IncomingMessage, done: (result: Buffer | Reply) => void): void {
  const { maxRequestBytes, strictContentType } = http.limits();
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  const isWrongType = strictContentType && type !== 'application/ocsp-request';
  if (isWrongType || Number(request.headers['content-length'] ?? 0) > maxRequestBytes) {
    done(isWrongType ? plainReply(415, 'the content type is application/ocsp-request', CLOSE) : tooLargeReply());
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => finish(plainReply(408, 'the request did not come', CLOSE)), BODY_TIMEOUT);
  const finish = (result?: Buffer | Reply): void => {
    clearTimeout(timer);
    request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    request.on('error', () => undefined);
    // What comes after a refusal is not kept; the connection ends with the reply.
    if (!Buffer.isBuffer(result)) request.resume();
    if (result !== undefined) done(result);
  };
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    if (length > maxRequestBytes) finish(tooLargeReply());
    else chunks.push(chunk);
  };
  const onEnd = (): void => finish(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
  const onClose = (): void => finish();
  request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
}
