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
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxRequestBytes) return tooLargeReply();
    chunks.push(chunk);
  }
  return answerReply(http, await http.answer(Buffer.concat(chunks, length)), false, undefined);
}

function toResponse({ status, headers, body }: Reply, isHead: boolean): Response {
  const { Connection: _hop, ...rest } = headers;
  return new Response(isHead || status === 304 ? null : Buffer.from(body, 'latin1'), { status, headers: rest });
}
