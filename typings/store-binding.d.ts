/** The native addon as stores see it (lib/store): a part of the contract in `binding.d.ts`. */

/**
 * A segment of a store.
 * - `file`: descriptor, or -1, and what becomes 1 when that is used, as 32-bit numbers
 * - `index`: where the index begins, its entries, bytes of a key, entries of a block, what checksums begin with, and a number of
 *   the first block that no other segment has, as six doubles; the first key of each block and the last key of all
 */
export type TableSegment = readonly [file: Uint8Array, index: Uint8Array, filter: Uint8Array];

/** Segments of a store. */
export interface SegmentTable {
  readonly segmentTable: never;
}

/** Functions for the files of stores. */
export interface StoreBinding {
  /**
   * Locks an open file against all others who open and lock it, in this thread, others, or other processes, until it is unlocked
   * or closed: `flock`, `LockFileEx`. Does not wait. Returns 0, or an error code of libuv: that of EAGAIN when another has it.
   */
  lockFile(descriptor: number): number;
  unlockFile(descriptor: number): void;

  /**
   * What {@link findFrames} looks into.
   *
   * @param out - where frames are put
   * @param blocks - blocks of indexes that were read before; begins as zeros
   * @param found - frames that were found before, by this table and others; begins as zeros
   */
  segmentTable(segments: readonly TableSegment[], out: Uint8Array, blocks: Uint8Array, found: Uint8Array): SegmentTable;
  /**
   * Finds the frames of a serial number, given without leading zeros, in all segments. Returns their bytes; or -1 and less, for the
   * first, second and so on of the segments, which is not open, or damaged, or cannot be read, or whose frames have no room.
   */
  findFrames(table: SegmentTable, serial: Uint8Array): number;
}
