import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { OCSPError } from '../errors.js';
import { storeDamaged } from './errors.js';
import { keyOf } from './frames.js';
import { compactionEpoch, type Manifest, readManifest, type SegmentEntry, unfinishedRun } from './manifest.js';
import { BLOCK_ENTRIES, ENTRY_TAIL, FOOTER_LENGTH } from './segment-format.js';
import { positionAt, SegmentReader } from './segment-reader.js';
import { scanFrames } from './segment-scan.js';
import { SerialMark } from './serial-filter.js';

/** What a check of a store found. */
export interface VerifyReport {
  /** Segments looked at. */
  readonly segments: number;
  /** Responses looked at. */
  readonly responses: number;
  /** What is wrong; empty when everything is as it was written. */
  readonly problems: readonly string[];
}

/** Writers that replace segments again and again are left alone after so many. */
const PASSES = 10;

/**
 * Reads all of a {@link SegmentStore} and checks every checksum, and that the index leads to every response. For a store that
 * cannot be opened, too: damage is reported, not thrown.
 *
 * @throws (rejects) What the file system throws, but for a file that is missing.
 */
export async function verifyStore(folder: string): Promise<VerifyReport> {
  /** By file. What a writer puts in the place of others meanwhile is verified, too, and nothing twice. */
  const verified = new Map<string, SegmentResult>();
  for (let pass = 1; ; pass += 1) {
    let manifest: Manifest;
    try {
      manifest = readManifest(folder);
    } catch (error) {
      if (!(error instanceof OCSPError)) throw error;
      return { segments: 0, responses: 0, problems: [error.message] };
    }
    const isVerified = ({ file, seal }: SegmentEntry): boolean => verified.get(file)?.seal === seal;
    const left = manifest.segments.filter((entry) => !isVerified(entry));
    if (left.length === 0 || pass > PASSES)
      return reportOf(
        folder,
        manifest,
        manifest.segments.filter(isVerified).map(({ file }) => verified.get(file) as SegmentResult),
      );
    // One that is missing is a loss if the manifest that is read next names it still.
    for (const entry of left) verified.set(entry.file, await verifySegment(folder, entry));
  }
}

/** What came of one segment. */
interface SegmentResult {
  readonly seal: string;
  readonly responses: number;
  readonly problems: readonly string[];
}

function reportOf(folder: string, manifest: Manifest, results: readonly SegmentResult[]): VerifyReport {
  const problems: string[] = [];
  // Without these nothing is written.
  for (const note of [unfinishedRun, compactionEpoch]) {
    try {
      note(folder, manifest);
    } catch (error) {
      if (!(error instanceof OCSPError)) throw error;
      problems.push(error.message);
    }
  }
  return {
    segments: results.length,
    responses: results.reduce((sum, { responses }) => sum + responses, 0),
    problems: [...problems, ...results.flatMap((result) => result.problems)],
  };
}

async function verifySegment(folder: string, entry: SegmentEntry): Promise<SegmentResult> {
  const { file, seal } = entry;
  const problems: string[] = [];
  let responses = 0;
  const report = (error: unknown): void => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') problems.push(`${file} is missing`);
    else if (error instanceof OCSPError) problems.push(error.message);
    else throw error;
  };
  try {
    const reader = new SegmentReader(join(folder, file), entry);
    try {
      responses += await verifyIndex(reader, report);
      await verifyData(join(folder, file), reader);
    } finally {
      reader.close();
    }
  } catch (error) {
    report(error);
  }
  return { seal, responses, problems };
}

/** Follows every entry of the index. */
async function verifyIndex(reader: SegmentReader, report: (error: unknown) => void): Promise<number> {
  const { keyWidth } = reader.footer;
  const buffer = Buffer.alloc(BLOCK_ENTRIES * (keyWidth + ENTRY_TAIL) + 4);
  const previous = Buffer.alloc(keyWidth);
  const mark = new SerialMark();
  let count = 0;
  for (let block = 0; block < reader.blocks; block += 1) {
    try {
      const entries = reader.readBlock(block, buffer);
      for (let at = 0; at < entries.length; at += keyWidth + ENTRY_TAIL) {
        const key = entries.subarray(at, at + keyWidth);
        if (count > 0 && previous.compare(key) >= 0) throw storeDamaged(`${reader.name}: the index is not in order`);
        previous.set(key);
        mark.set(key, keyWidth - 1);
        if (!mark.isIn(reader.filter))
          throw storeDamaged(`${reader.name}: the filter lacks a serial number of the index`);
        count += 1;
        const found = keyOf(reader.readFrame(positionAt(entries, at + keyWidth)));
        if (found.compare(key.subarray(keyWidth - found.length)) !== 0) {
          throw storeDamaged(`${reader.name}: the index does not lead to the serial number`);
        }
      }
    } catch (error) {
      report(error);
    }
    await nextTurn();
  }
  return count;
}

/** Goes through all frames: one that is not in the index may be damaged too. */
async function verifyData(path: string, reader: SegmentReader): Promise<void> {
  let end = 0;
  for await (const { offset, frame } of scanFrames(path, reader.header.seed)) end = offset + frame.length;
  if (end !== reader.footer.indexOffset) throw storeDamaged(`${reader.name}: the data is damaged at byte ${end}`);
  const bytes = createReadStream(path, { end: reader.bytes - FOOTER_LENGTH - 1 });
  let sum = 0;
  for await (const chunk of bytes as AsyncIterable<Buffer>) sum = crc32(chunk, sum);
  if (sum !== reader.footer.sum) throw storeDamaged(`${reader.name} is not as it was published`);
}
