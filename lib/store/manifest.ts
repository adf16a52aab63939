import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { ListEdition } from '../statuses/list-edition.js';
import type { AnswerKind, StoredIssuer } from './answer-kinds.js';
import { checkedJson, readCheckedJson, replaceFile } from './durable-files.js';
import { storeDamaged, storeFormat } from './errors.js';
import { MARK_LENGTH } from './segment-format.js';

/** A segment that is served. */
export interface SegmentEntry {
  /** Name of its file in the folder of the store. */
  readonly file: string;
  /** Its size in bytes. */
  readonly bytes: number;
  /** Responses in it. */
  readonly entries: number;
  /** The checksum under which all of it is: name and size are those of other segments, too. */
  readonly seal: string;
}

/** What a store consists of. Whatever else lies in its folder does not count. */
export interface Manifest {
  readonly format: 3;
  /** Grows by one with each change. */
  readonly generation: number;
  /** Random: tells the store from one that was in this folder before. */
  readonly store: string;
  /** Whose answers they are; null while no one has said it. */
  readonly issuer: StoredIssuer | null;
  /** The kinds of answer that it has; only ever added to, as long as there is a segment. */
  readonly kinds: readonly AnswerKind[];
  /** Number of the next run or batch. Its files bear it, so that no name is ever used twice. */
  readonly nextEpoch: number;
  /** The bulk run that was committed last. */
  readonly lastRun: RunIdentity | null;
  /** The lists that committed runs were made of. Absent: none is known. */
  readonly lists?: readonly ListEdition[];
  /** In the order in which they came. */
  readonly segments: readonly SegmentEntry[];
}

/** A bulk run, as `RUN` has it while it is unfinished. */
export interface RunIdentity {
  readonly id: string;
  readonly epoch: number;
  /** The {@link Manifest.store} that it is a run of. */
  readonly store: string;
  /** What is in the headers of its segments, in hexadecimal digits. */
  readonly mark: string;
}

const MANIFEST = 'MANIFEST';
const RUN = 'RUN';
const COMPACTION = 'COMPACTION';
const SEGMENT = /^(\d{8,})-(\d{6,})\.seg$/;
const FORMAT = 3;
const STORE_LENGTH = 8;

/** Name of a segment file. */
export function segmentName(epoch: number, sequence: number): string {
  return `${String(epoch).padStart(8, '0')}-${String(sequence).padStart(6, '0')}.seg`;
}

/** Names of segment files in a folder, ascending; of one epoch if it is given. */
export function segmentNames(folder: string, epoch?: number): string[] {
  const names = readdirSync(folder).filter((name) => {
    const match = SEGMENT.exec(name);
    return match !== null && (epoch === undefined || Number(match[1]) === epoch);
  });
  return names.sort();
}

/** Epoch and sequence of a segment file. */
export function parseSegmentName(name: string): { epoch: number; sequence: number } {
  const match = SEGMENT.exec(name);
  if (match === null) throw storeDamaged(`${name} is not the name of a segment`);
  return { epoch: Number(match[1]), sequence: Number(match[2]) };
}

/** Reads the manifest; that of an empty store when there is none, and no segment either. */
export function readManifest(folder: string): Manifest {
  const manifest = readCheckedJson(join(folder, MANIFEST)) as Manifest | undefined;
  if (manifest !== undefined) {
    const format: number = manifest.format;
    if (format === 1 || format === 2) throw storeFormat(folder);
    if (format !== FORMAT) throw storeDamaged(`${folder} is of the unknown format ${format}`);
    return manifest;
  }
  // The manifest is written before the first segment: one without the other is not an empty store but a loss.
  if (segmentNames(folder).length > 0) throw storeDamaged(`${folder} has segments, but no ${MANIFEST}`);
  const store = randomBytes(STORE_LENGTH).toString('hex');
  return { format: FORMAT, generation: 0, store, issuer: null, kinds: [], nextEpoch: 1, lastRun: null, segments: [] };
}

/** Puts the next manifest in the place of the current one. */
export async function writeManifest(folder: string, current: Manifest, change: Partial<Manifest>): Promise<Manifest> {
  const { format, generation, store, ...others } = { ...current, ...change };
  // They come first, where manifestStamp finds them.
  const next: Manifest = { format, generation: generation + 1, store, ...others };
  await replaceFile(join(folder, MANIFEST), checkedJson(next));
  return next;
}

/**
 * Differs once the manifest has been replaced: its beginning, which holds its generation, and its end, which is its checksum, because a
 * generation comes again where a backup takes the place of a store. Neither its time nor its inode would do, as both come again when
 * it is replaced twice within a tick of the clock.
 */
export function manifestStamp(folder: string): string {
  let file: number;
  try {
    file = openSync(join(folder, MANIFEST), 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const parts = Buffer.alloc(80);
    const beginning = readSync(file, parts, 0, 64, 0);
    const end = readSync(file, parts, beginning, 16, Math.max(0, fstatSync(file).size - 16));
    return parts.toString('latin1', 0, beginning + end);
  } finally {
    closeSync(file);
  }
}

/** The run that has been begun and not committed. */
export function unfinishedRun(folder: string, manifest: Manifest): RunIdentity | undefined {
  const run = readCheckedJson(runPath(folder)) as RunIdentity | undefined;
  if (run !== undefined && run.store !== manifest.store)
    throw storeDamaged(`${runPath(folder)} is that of another store`);
  // A process that was killed between commit and the end of its work leaves the note about a committed run.
  return run !== undefined && run.epoch > (manifest.lastRun?.epoch ?? 0) ? run : undefined;
}

/** Notes that a run has begun. */
export async function writeRun(folder: string, run: RunIdentity): Promise<void> {
  await replaceFile(runPath(folder), checkedJson(run));
}

/** What tells the segments of an epoch from all others. */
export function newMark(): Buffer {
  return randomBytes(MARK_LENGTH);
}

/** Notes that segments are being put together in an epoch; the files of it are needed though nothing names them yet. */
export async function writeCompaction(folder: string, epoch: number): Promise<void> {
  await replaceFile(compactionPath(folder), checkedJson({ epoch }));
}

/** The epoch of {@link writeCompaction}; of one that was interrupted, too, until the next one begins. */
export function compactionEpoch(folder: string): number | undefined {
  return (readCheckedJson(compactionPath(folder)) as { epoch: number } | undefined)?.epoch;
}

/** Where the note about a compaction is. */
export function compactionPath(folder: string): string {
  return join(folder, COMPACTION);
}

/** Where the note about the unfinished run is. */
export function runPath(folder: string): string {
  return join(folder, RUN);
}
