/** `COPY ... FROM STDIN`, as a query that a connection of `pg` carries out. */
import type { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Session } from './database.js';

/** What is needed of the protocol's side of a connection. */
interface Wire {
  readonly stream: Writable;
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

/** @throws (rejects) What `chunks` throws, and what the database throws. */
export function copyIn(session: Session, text: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  const over = new Promise<void>((resolve, reject) => {
    let isOver = false;
    const send = async (wire: Wire): Promise<void> => {
      try {
        for await (const chunk of chunks) {
          if (isOver) return;
          wire.sendCopyFromChunk(chunk);
          // (A list in memory and a quick server would leave no turn to anybody else, nor to errors.)
          await nextTurn();
          if (wire.stream.writableNeedDrain) await drained(wire.stream);
        }
        wire.endCopyFrom();
      } catch (error) {
        // What the database says of it is of no interest any more.
        reject(error);
        wire.sendCopyFail('given up');
      }
    };
    void session.client.query({
      submit: (wire: Wire) => wire.query(text),
      handleCopyInResponse: (wire: Wire) => void send(wire),
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => resolve(),
      handleError: (error: Error) => {
        isOver = true;
        reject(error);
      },
    });
  });
  // (Also while it waits for the list: a server is at it then, too.)
  return session.wait(over);
}

/** Until there is room again, or no one reads any more. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}
