// Finds the frames of a serial number in a finished segment of a store (lib/store/segment-format.ts,
// lib/store/frames.ts).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bytes.h"

namespace ocsp {

// What the footer of the segment says, and what its checksums begin with.
struct SegmentShape {
  std::uint64_t index_offset;
  std::uint32_t entries;
  std::uint32_t key_width;
  std::uint32_t block_entries;
  std::uint32_t seed;
  // Of the blocks of the index in the memory of blocks; no other segment has these numbers.
  std::uint64_t first_block;
};

// The segment, open for reading, and the first key of each block of its index, then the last key of all.
struct Segment {
  int descriptor;
  SegmentShape shape;
  Bytes fences;
};

// Writes the frames of a key (serial number padded to the width of the index, kind of answer 0) into `out`, one after
// the other, each with its checksum looked at. Returns their bytes; 0 when there are none; nothing when something is
// not as it should be, or does not fit: who knows how to tell that then has to read for himself.
//
// `blocks` keeps blocks of indexes that had their checksum. It begins as zeros.
std::optional<std::size_t> find_frames(const Segment& segment, Bytes key, std::span<std::uint8_t> out,
                                       std::span<std::uint8_t> blocks);

}  // namespace ocsp
