/** A server on the loopback that answers with whatever bytes it is told to, right or wrong. */
import { createServer, type Socket } from 'node:net';

/** What came in. */
export interface RawRequest {
  /** Request line and headers. */
  readonly head: string;
  readonly body: Buffer;
}

/** Answers one request on a connection. */
export type RawAnswer = (socket: Socket, request: RawRequest) => void;

/** A server until it is closed. */
export interface RawServer {
  readonly url: string;
  /** The requests so far. */
  readonly requests: RawRequest[];
  close(): Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1. */
export async function rawServer(answer: RawAnswer): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = received.subarray(0, end).toString('latin1');
      const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      const request = { head, body: received.subarray(end + 4, end + 4 + length) };
      received = Buffer.alloc(0);
      requests.push(request);
      answer(socket, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An answer with status, headers and body, after which the connection ends. */
export function httpAnswer(
  body: Uint8Array | string,
  {
    status = '200 OK',
    type = 'application/ocsp-response',
    headers = '',
  }: { status?: string; type?: string; headers?: string } = {},
): RawAnswer {
  const bytes = Buffer.from(body);
  const typeHeader = type === '' ? '' : `Content-Type: ${type}\r\n`;
  return (socket) => {
    socket.write(
      `HTTP/1.1 ${status}\r\n${typeHeader}${headers}Content-Length: ${bytes.length}\r\nConnection: close\r\n\r\n`,
    );
    socket.end(bytes);
  };
}
