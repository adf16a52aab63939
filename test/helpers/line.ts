/** A line between a client and a server on a Unix socket, which may be cut: nothing comes through then, and no one is told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export class Line {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'openssl-ocsp-line-'));
  /** Where clients connect to: named as the server's socket. */
  readonly socket: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(to: string) {
    this.socket = join(this.folder, basename(to));
    this.#server = createServer((client) => {
      const server = connect(to);
      this.#carry(client, server);
      this.#carry(server, client);
    });
  }

  static async open(to: string): Promise<Line> {
    const line = new Line(to);
    await new Promise<void>((resolve) => line.#server.listen(line.socket, resolve));
    return line;
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (data) => to.write(data));
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#isCut) from.pause();
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
