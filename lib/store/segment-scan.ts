import { type FileHandle, open } from 'node:fs/promises';
import { claimedLength, FrameKind, frameLength, tokenOf } from './frames.js';
import { HEADER_LENGTH } from './segment-format.js';

/** Bytes that are read at once, of a file that has as many. */
const CHUNK = 1 << 20;

/**
 * The undamaged frames of a segment from its beginning up to and with the END frame, the first damaged one, or `end`. Frames are
 * views, valid until the next one is asked for.
 */
export async function* scanFrames(
  path: string,
  seed: number,
  end: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<{ readonly offset: number; readonly frame: Buffer }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    // One more than there is: what is not filled has come to the end.
    let buffer: Buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, size + 1));
    let offset = HEADER_LENGTH;
    for (;;) {
      const available = await readFully(file, buffer, offset);
      let at = 0;
      for (;;) {
        const length = frameLength(buffer, at, available, seed);
        if (length === 0) break;
        if (offset + at + length > end) return;
        yield { offset: offset + at, frame: buffer.subarray(at, at + length) };
        if (buffer[at + 8] === FrameKind.END) return;
        at += length;
      }
      const next = claimedLength(buffer, at, available);
      // Not cut off by the end of the buffer, so by the end of the file, or damaged.
      if (available < buffer.length || (next !== undefined && at + next <= available)) return;
      if (next === undefined && at + 8 <= available) return;
      offset += at;
      if (next !== undefined && next > buffer.length) buffer = Buffer.allocUnsafeSlow(next);
    }
  } finally {
    await file.close();
  }
}

/** The last checkpoint of a segment: its token, and where its frame ends. */
export async function lastCheckpoint(path: string, seed: number): Promise<{ token: string; end: number } | undefined> {
  let last: { token: string; end: number } | undefined;
  for await (const { offset, frame } of scanFrames(path, seed)) {
    if (frame[8] === FrameKind.CHECKPOINT) last = { token: tokenOf(frame), end: offset + frame.length };
  }
  return last;
}

async function readFully(file: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
