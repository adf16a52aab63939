import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { removeQuietly, syncFolder } from './durable-files.js';
import { compactionEpoch, type Manifest, parseSegmentName, runPath, segmentNames, unfinishedRun } from './manifest.js';

/** A process that is about to ask for the lock, or to replace a file, has a temporary one for an instant. */
const OLD = 60_000;

/**
 * Removes what writers that were killed have left: files that neither the manifest nor an unfinished run or compaction needs. Only for the
 * holder of the lock, and before he writes.
 */
export async function removeLeftovers(folder: string, manifest: Manifest): Promise<void> {
  const served = new Set(manifest.segments.map(({ file }) => file));
  const run = unfinishedRun(folder, manifest);
  const needed = new Set([run?.epoch, compactionEpoch(folder)]);
  const names = await readdir(folder);
  const leftovers = segmentNames(folder).filter(
    (name) => !served.has(name) && !needed.has(parseSegmentName(name).epoch),
  );
  const note = basename(runPath(folder));
  if (run === undefined && names.includes(note)) leftovers.push(note);
  // Whoever put the manifest in its place may have been stopped before it would last: the old one, which needs these, could come back.
  if (leftovers.length > 0) await syncFolder(folder);
  for (const name of leftovers) await removeQuietly(join(folder, name));
  for (const name of names) {
    if (!name.endsWith('.tmp')) continue;
    const path = join(folder, name);
    const modified = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - modified > OLD) await removeQuietly(path);
  }
}
