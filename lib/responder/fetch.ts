/** OCSP for those who speak `Request` and `Response`. */
import {
  answerReply,
  getReply,
  type HttpOptions,
  methodReply,
  type Reply,
  tooLargeReply,
  typeReply,
} from './listener.js';

export async function fetchAnswer(http: HttpOptions, request: Request): Promise<Response> {
  return toResponse(await replyTo(http, request), request.method === 'HEAD');
}

async function replyTo(http: HttpOptions, request: Request): Promise<Reply> {
  if (request.method === 'GET' || request.method === 'HEAD')
    return getReply(http, request.url, request.headers.get('if-none-match') ?? undefined);
  if (request.method !== 'POST') return methodReply();
  const { maxRequestBytes, strictContentType } = http.limits();
  const refused = strictContentType ? typeReply(request.headers.get('content-type')) : undefined;
  if (refused !== undefined) return refused;
  const body = await bodyOf(request, maxRequestBytes);
  return body === undefined ? tooLargeReply() : answerReply(http, await http.answer(body), false, undefined);
}

/** The body of a request; undefined when it is too long. */
async function bodyOf(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  // Whoever made this of an HTTP message has seen to it that no more comes than is declared. A stream costs as much as all the rest.
  if (Number(request.headers.get('content-length') ?? Number.NaN) <= maxBytes) {
    const body = new Uint8Array(await request.arrayBuffer());
    return body.length > maxBytes ? undefined : body;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function toResponse({ status, headers, body }: Reply, isHead: boolean): Response {
  const { Connection: _hop, ...rest } = headers;
  return new Response(isHead || status === 304 ? null : Buffer.from(body, 'latin1'), { status, headers: rest });
}
