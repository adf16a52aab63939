import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { checkedJson, readCheckedJson, replaceFile } from './durable-files.js';
import { storeDamaged } from './errors.js';
import type { ListEdition } from './response-store.js';

/** A segment that is served. */
export interface SegmentEntry {
  /** Name of its file in the folder of the store. */
  readonly file: string;
  /** Its size in octets. */
  readonly bytes: number;
  /** Serial numbers in it. */
  readonly entries: number;
}

/** What a store consists of. Whatever else lies in its folder does not count. */
export interface Manifest {
  readonly format: 1;
  /** Grows by one with each change. */
  readonly generation: number;
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
}

const MANIFEST = 'MANIFEST';
const RUN = 'RUN';
const SEGMENT = /^(\d{8,})-(\d{6,})\.seg$/;
const EMPTY: Manifest = { format: 1, generation: 0, nextEpoch: 1, lastRun: null, segments: [] };

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
    if (manifest.format !== 1) throw storeDamaged(`${folder} is of the unknown format ${manifest.format}`);
    return manifest;
  }
  // The manifest is written before the first segment: one without the other is not an empty store but a loss.
  if (segmentNames(folder).length > 0) throw storeDamaged(`${folder} has segments, but no ${MANIFEST}`);
  return EMPTY;
}

/** Puts the next manifest in the place of the current one. */
export async function writeManifest(folder: string, current: Manifest, change: Partial<Manifest>): Promise<Manifest> {
  const { format, generation, ...others } = { ...current, ...change };
  // The generation comes first, where manifestStamp finds it.
  const next: Manifest = { format, generation: generation + 1, ...others };
  await replaceFile(join(folder, MANIFEST), checkedJson(next));
  return next;
}

/**
 * The beginning of the manifest, which holds its generation: it differs once the manifest has been replaced. Neither its time
 * nor its inode would do, as both come again when it is replaced twice within a tick of the clock.
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
    const beginning = Buffer.alloc(64);
    return beginning.toString('latin1', 0, readSync(file, beginning, 0, beginning.length, 0));
  } finally {
    closeSync(file);
  }
}

/** The run that has been begun and not committed. */
export function unfinishedRun(folder: string, manifest: Manifest): RunIdentity | undefined {
  const run = readCheckedJson(runPath(folder)) as RunIdentity | undefined;
  // A process that was killed between commit and the end of its work leaves the note about a committed run.
  return run !== undefined && run.epoch > (manifest.lastRun?.epoch ?? 0) ? run : undefined;
}

/** Notes that a run has begun. */
export async function writeRun(folder: string, run: RunIdentity): Promise<void> {
  await replaceFile(runPath(folder), checkedJson(run));
}

/** Where the note about the unfinished run is. */
export function runPath(folder: string): string {
  return join(folder, RUN);
}
