import { setImmediate as nextTurn } from 'node:timers/promises';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { type CheckedRecord, derOf, kindOf, nextUpdateOf, versionOf } from './frames.js';
import { compareKnowledge, compareVersions, type PutResult } from './response-store.js';
import { BLOCK_ENTRIES, ENTRY_TAIL } from './segment-format.js';
import { type FramePosition, positionAt, type SegmentReader } from './segment-reader.js';

/** A place in the index of one segment. */
class Cursor {
  readonly segment: SegmentReader;
  /** Place in the list of segments: of equal versions the first one stays. */
  readonly rank: number;
  /** Key under the cursor, padded to the width of all segments; and its serial number, a view. */
  readonly key: Buffer;
  readonly serial: Buffer;
  readonly #buffer: Buffer;
  #block = -1;
  #entries: Buffer;
  #at = 0;

  constructor(segment: SegmentReader, rank: number, width: number) {
    this.segment = segment;
    this.rank = rank;
    this.key = Buffer.alloc(width);
    this.serial = this.key.subarray(0, -1);
    this.#buffer = Buffer.allocUnsafeSlow(BLOCK_ENTRIES * (segment.footer.keyWidth + ENTRY_TAIL) + 4);
    this.#entries = this.#buffer.subarray(0, 0);
  }

  /** Where the frame lies. */
  get position(): FramePosition {
    return positionAt(this.#entries, this.#at + this.segment.footer.keyWidth);
  }

  /** Goes to the next entry; false at the end. */
  next(): boolean {
    const { keyWidth } = this.segment.footer;
    if (this.#block >= 0) this.#at += keyWidth + ENTRY_TAIL;
    if (this.#at >= this.#entries.length) {
      this.#block += 1;
      if (this.#block >= this.segment.blocks) return false;
      this.#entries = this.segment.readBlock(this.#block, this.#buffer);
      this.#at = 0;
    }
    this.key.set(this.#entries.subarray(this.#at, this.#at + keyWidth), this.key.length - keyWidth);
    return true;
  }
}

/** A frame of a segment, not yet read. */
interface FrameAt {
  readonly segment: SegmentReader;
  readonly position: FramePosition;
}

/**
 * The frames of each serial number, in ascending order of those; for each by kind of answer, and then in the order of the segments.
 */
function* framesBySerial(segments: readonly SegmentReader[]): Generator<readonly [FrameAt, ...FrameAt[]]> {
  const width = Math.max(1, ...segments.map((segment) => segment.footer.keyWidth));
  const heap = new CursorHeap();
  for (const [rank, segment] of segments.entries()) {
    const cursor = new Cursor(segment, rank, width);
    if (cursor.next()) heap.push(cursor);
  }
  const serial = Buffer.alloc(width - 1);
  for (let cursor = heap.pop(); cursor !== undefined; ) {
    serial.set(cursor.serial);
    const frames: [FrameAt, ...FrameAt[]] = [{ segment: cursor.segment, position: cursor.position }];
    let following = heap.replace(cursor);
    // Equal keys come in the order of their segments.
    while (following?.serial.equals(serial)) {
      frames.push({ segment: following.segment, position: following.position });
      following = heap.replace(following);
    }
    yield frames;
    cursor = following;
  }
}

function read({ segment, position }: FrameAt): Buffer {
  return segment.readFrame(position);
}

/**
 * Of the frames of one serial number, in the order of their segments, those that are served: of each kind of answer the one
 * that outdoes the others, unless the status it states is not the one that is known best. Of which kinds the newest is, is a
 * matter of who signed it; a revocation counts for all.
 */
export function served(frames: readonly Buffer[]): readonly Buffer[] {
  if (frames.length < 2) return frames;
  const best = new Map<number, Buffer>();
  let known = frames[0] as Buffer;
  for (const frame of frames) {
    const kind = kindOf(frame);
    const other = best.get(kind);
    if (other === undefined || compareVersions(versionOf(frame), versionOf(other)) > 0) best.set(kind, frame);
    if (compareKnowledge(versionOf(frame), versionOf(known)) > 0) known = frame;
  }
  const { certStatus } = versionOf(known);
  return [...best.values()].filter((frame) => versionOf(frame).certStatus === certStatus);
}

/** Whether a record is to be served, beside or instead of what there is for its certificate. */
export function isNewer(record: CheckedRecord, kind: number, frames: readonly Buffer[]): boolean {
  return frames.every((frame) => {
    const version = versionOf(frame);
    if (kindOf(frame) === kind && compareVersions(record, version) <= 0) return false;
    return record.certStatus === version.certStatus || compareKnowledge(record, version) > 0;
  });
}

/** Whether a record is wanted beside responses that say "revoked". */
export type IsWanted = (record: CheckedRecord, revocations: readonly Buffer[]) => boolean;

/** The responses among frames of one serial number that are served, and say "revoked". */
export function revocationsOf(frames: readonly Buffer[]): Buffer[] {
  return served(frames)
    .filter((frame) => versionOf(frame).certStatus === OCSPCertStatus.REVOKED)
    .map(derOf);
}

/** Which expired responses are left out. */
export interface ExpiredOptions {
  /** In seconds since 1970-01-01: those whose nextUpdate is before it. */
  readonly validAt?: number | undefined;
  /** Not those that have outdone another one. */
  readonly keepsHiding?: boolean;
}

/** What segments together serve, for each serial number in ascending order. */
export function* servedBySerial(
  segments: readonly SegmentReader[],
  { validAt = 0, keepsHiding = false }: ExpiredOptions = {},
): Generator<readonly Buffer[]> {
  for (const frames of framesBySerial(segments)) {
    const rows = served(frames.map(read));
    const isKept = keepsHiding && frames.length > rows.length;
    yield isKept ? rows : rows.filter((frame) => (nextUpdateOf(frame) ?? validAt) >= validAt);
  }
}

/** Serial numbers after which the event loop has its turn: some milliseconds. */
const TURN = 1024;

/**
 * Of how many serial numbers in the segments of a run (`own`) a response of the run is served, and of how many another one.
 * What only one side has is not read.
 */
export async function countServed(own: readonly SegmentReader[], others: readonly SegmentReader[]): Promise<PutResult> {
  const oldest = Math.min(...own.map(({ footer }) => footer.minStatusVersion));
  const rivals = others.filter(({ footer }) => footer.maxStatusVersion >= oldest);
  let written = 0;
  let kept = 0;
  let position = 0;
  // Those of the run come first: it does not matter which of two equal ones is there.
  for (const frames of framesBySerial([...own, ...rivals])) {
    position += 1;
    if (position % TURN === 0) await nextTurn();
    const isMine = ({ segment }: FrameAt): boolean => own.includes(segment);
    if (!frames.some(isMine)) continue;
    const mine = new Set<Buffer>();
    const readAndNote = (frame: FrameAt): Buffer => {
      const bytes = read(frame);
      if (isMine(frame)) mine.add(bytes);
      return bytes;
    };
    const isServed = (): boolean => served(frames.map(readAndNote)).some((frame) => mine.has(frame));
    if (frames.every(isMine) || unlessDamaged(isServed)) written += 1;
    else kept += 1;
  }
  return { written, kept };
}

/** False where something cannot be read: `get` throws then. */
function unlessDamaged(isServed: () => boolean): boolean {
  try {
    return isServed();
  } catch {
    return false;
  }
}

/** Cursors by serial number; a binary heap, because there may be hundreds. */
class CursorHeap {
  readonly #items: Cursor[] = [];

  push(cursor: Cursor): void {
    const items = this.#items;
    let at = items.length;
    items.push(cursor);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#less(cursor, items[parent] as Cursor)) break;
      items[at] = items[parent] as Cursor;
      at = parent;
    }
    items[at] = cursor;
  }

  pop(): Cursor | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last !== undefined && items.length > 0) {
      items[0] = last;
      this.#sink();
    }
    return first;
  }

  /** Moves a cursor that was popped on, puts it back unless it is at its end, and pops the lowest. */
  replace(cursor: Cursor): Cursor | undefined {
    if (cursor.next()) this.push(cursor);
    return this.pop();
  }

  #sink(): void {
    const items = this.#items;
    const cursor = items[0] as Cursor;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#less(items[child + 1] as Cursor, items[child] as Cursor)) child += 1;
      if (!this.#less(items[child] as Cursor, cursor)) break;
      items[at] = items[child] as Cursor;
      at = child;
    }
    items[at] = cursor;
  }

  #less(a: Cursor, b: Cursor): boolean {
    return (a.key.compare(b.key) || a.rank - b.rank) < 0;
  }
}
