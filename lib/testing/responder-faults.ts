/** How the HTTP of a test responder goes wrong. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const HTTP_BEHAVIOURS = [
  'late',
  'slow',
  'half',
  'cut',
  'silent',
  'gone',
  'endless',
  'endless-header',
  'text',
  'empty',
  'wrong-type',
  'redirect-loop',
  'switching-protocols',
  'bare-lf',
  'no-colon',
  'not-http',
] as const;

/** What becomes of a right answer on its way. */
export type HttpBehaviour = (typeof HTTP_BEHAVIOURS)[number];

const RESPONSE_TYPE = 'application/ocsp-response';
const PAGE = Buffer.from('<html>Service is under maintenance</html>');
const HEAD = `HTTP/1.1 200 OK\r\nContent-Type: ${RESPONSE_TYPE}\r\n`;

export function isHttpBehaviour(behaviour: unknown): behaviour is HttpBehaviour {
  return HTTP_BEHAVIOURS.includes(behaviour as HttpBehaviour);
}

/** Sends a body, well or badly. */
export async function sendAs(
  behaviour: HttpBehaviour | 'whole' | number,
  body: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
  delay: number,
): Promise<void> {
  const { socket } = request;
  const send = (bytes: Uint8Array, type = RESPONSE_TYPE, status = 200): void => {
    response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length }).end(bytes);
  };
  const sendRaw = (head: string, ...rest: Uint8Array[]): void => {
    socket.end(Buffer.concat([Buffer.from(head), ...rest]));
  };
  const half = body.subarray(0, body.length >> 1);
  if (typeof behaviour === 'number') return send(PAGE, 'text/html', behaviour);
  switch (behaviour) {
    case 'whole':
      return send(body);
    case 'late':
      await wait(delay);
      return send(body);
    case 'slow':
      response.writeHead(200, { 'Content-Type': RESPONSE_TYPE, 'Content-Length': body.length });
      for (const byte of body) {
        if (socket.destroyed) return;
        response.write(Buffer.from([byte]));
        await wait(delay);
      }
      response.end();
      return;
    case 'half':
      return sendRaw(`${HEAD}Content-Length: ${body.length}\r\n\r\n`, half);
    case 'cut':
      return send(half);
    case 'silent':
      return;
    case 'gone':
      socket.resetAndDestroy();
      return;
    case 'endless':
      return pour(socket, `${HEAD}\r\n`);
    case 'endless-header':
      return pour(socket, `${HEAD}X: `);
    case 'text':
      return send(PAGE);
    case 'empty':
      return send(Buffer.alloc(0));
    case 'wrong-type':
      return send(body, 'text/html');
    case 'redirect-loop':
      response.writeHead(307, { Location: request.url ?? '/', 'Content-Length': 0 }).end();
      return;
    case 'switching-protocols':
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      return;
    case 'bare-lf':
      return sendRaw(`HTTP/1.0 200 OK\nContent-Type: ${RESPONSE_TYPE}\n\n`, body);
    case 'no-colon':
      return sendRaw(`HTTP/1.0 200 OK\r\nX\r\nContent-Type: ${RESPONSE_TYPE}\r\n\r\n`, body);
    case 'not-http':
      return sendRaw('SSH-2.0-OpenSSH_9.9\r\n');
  }
}

/** Writes for as long as somebody reads. */
function pour(socket: Socket, head: string): void {
  const piece = Buffer.alloc(0x10000, 'x');
  const more = (): void => {
    while (socket.writable && socket.write(piece));
  };
  socket.on('drain', more);
  socket.write(head);
  more();
}
