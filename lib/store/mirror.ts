/** A copy of a store that others read, also while it is brought up to date. */
import { copyFile, mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidValue } from '../errors.js';
import { checkedJson, removeQuietly, replaceFile, syncFolder } from './durable-files.js';
import { type Manifest, manifestStamp, readManifest, type SegmentEntry, segmentNames } from './manifest.js';
import { SegmentReader } from './segment-reader.js';
import { WriterLock } from './writer-lock.js';

/** Writers that replace the manifest again and again. */
const ATTEMPTS = 100;
const MANIFEST = 'MANIFEST';

/** What {@link mirrorStore} did. */
export interface MirrorResult {
  /** Segments that were copied; the others were there. */
  readonly copied: number;
  /** Bytes of those. */
  readonly bytes: number;
  /** Segments that the store no longer has, and the mirror has not any more. */
  readonly removed: number;
}

/**
 * Makes a folder, on a disk of another machine, say, a mirror of a store, or brings it up to date: the segments that it does not have, then
 * `MANIFEST`, which lets all of them be served at once, then away with what it does not name. Whoever reads the mirror sees the old state or
 * the new one, also after an interruption. No one else may write to it. An unfinished run is left out.
 *
 * @throws (rejects) `ERR_OCSP_INVALID_VALUE` where there is no store, when the folder is that of the store, or has another one, or a state of it that
 * is later, or that it never was in, as after a restore from a backup; `ERR_OCSP_STORE_DAMAGED`;
 * `ERR_OCSP_STORE_LOCKED` while another one mirrors into it; what the file system throws.
 */
export async function mirrorStore(folder: string, target: string): Promise<MirrorResult> {
  await mkdir(target, { recursive: true });
  const [from, to] = await Promise.all([folder, target].map((path) => stat(path, { bigint: true })));
  // What is not named there would be removed: an unfinished run.
  if (from?.ino === to?.ino && from?.dev === to?.dev) throw invalidValue(`${target} is the store itself`);
  if (manifestStamp(folder) === '' && segmentNames(folder).length === 0)
    throw invalidValue(`there is no store in ${folder}`);
  const lock = WriterLock.acquire(target);
  try {
    const before = manifestStamp(target) === '' ? await beginMirror(folder, target) : readManifest(target);
    const copied = new Map<string, string>();
    for (let attempt = 1; ; attempt += 1) {
      const stamp = manifestStamp(folder);
      try {
        return await bringUpToDate(folder, target, before, readManifest(folder), copied);
      } catch (error) {
        // A writer that replaces the manifest removes files of the old one.
        const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
        if (!isGone || attempt >= ATTEMPTS || manifestStamp(folder) === stamp) throw error;
      }
    }
  } finally {
    lock.release();
  }
}

/** A mirror without any segment: segments without a MANIFEST would be a loss. */
async function beginMirror(folder: string, target: string): Promise<Manifest> {
  if (segmentNames(target).length > 0) return readManifest(target);
  const empty: Manifest = { ...readManifest(folder), generation: 0, segments: [] };
  await replaceFile(join(target, MANIFEST), checkedJson(empty));
  return empty;
}

/** @param copied - seals of segments, by file, that an attempt before has copied */
async function bringUpToDate(
  folder: string,
  target: string,
  before: Manifest,
  next: Manifest,
  copied: Map<string, string>,
): Promise<MirrorResult> {
  if (before.store !== next.store) throw invalidValue(`${target} has another store`);
  if (before.generation > next.generation) throw invalidValue(`${target} has a later state than ${folder}`);
  const seals = new Map(before.segments.map(({ file, seal }) => [file, seal]));
  // A store that was restored from a backup, and has gone on from there, gives out numbers and names again.
  const isOther = ({ file, seal }: SegmentEntry): boolean => (seals.get(file) ?? seal) !== seal;
  const isSame = before.generation < next.generation || checkedJson(before) === checkedJson(next);
  if (!isSame || next.segments.some(isOther)) throw invalidValue(`${target} has a state that ${folder} never was in`);
  const missing = next.segments.filter(({ file, seal }) => seals.get(file) !== seal);
  for (const entry of missing) {
    if (copied.get(entry.file) === entry.seal) continue;
    await copySegment(folder, target, entry);
    copied.set(entry.file, entry.seal);
  }
  await syncFolder(target);
  if (next.generation > before.generation) await replaceFile(join(target, MANIFEST), checkedJson(next));
  const named = new Set(next.segments.map(({ file }) => file));
  const extra = segmentNames(target).filter((name) => !named.has(name));
  // (With what mirroring that was killed has left of segments that the store may not have any more.)
  const halves = (await readdir(target)).filter((name) => name.endsWith('.tmp'));
  for (const name of [...extra, ...halves]) await removeQuietly(join(target, name));
  return { copied: missing.length, bytes: missing.reduce((sum, { bytes }) => sum + bytes, 0), removed: extra.length };
}

async function copySegment(folder: string, target: string, entry: SegmentEntry): Promise<void> {
  const path = join(target, entry.file);
  const temporary = `${path}.tmp`;
  try {
    await copyFile(join(folder, entry.file), temporary);
    const file = await open(temporary, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    new SegmentReader(path, entry).close();
  } catch (error) {
    await removeQuietly(temporary);
    throw error;
  }
}
