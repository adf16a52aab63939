// Looks for a serial number in all segments of a store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bytes.h"
#include "frame_memory.h"
#include "segment_search.h"
#include "serial_filter.h"

namespace ocsp {

// What JavaScript says of a segment's file (lib/store/pooled-file.ts), and is told in return.
struct FileState {
  std::int32_t descriptor;  // -1: not open
  std::int32_t is_used;     // becomes 1
};

struct TableSegment {
  FileState* file;
  SegmentShape shape;
  Bytes fences;
  Bytes filter;
};

class SegmentTable {
 public:
  // Where blocks of indexes are kept, as find_frames does; and where what was found is kept, under a number that no
  // other table has.
  SegmentTable(std::span<std::uint8_t> blocks, FrameMemory found, std::uint64_t number)
      : blocks_(blocks), found_(found), number_(number) {}

  void add(const TableSegment& segment) {
    segments_.push_back(segment);
    filters_.emplace_back(segment.filter);
  }

  // Bytes of frames; or else the place of a segment that is not open, or in which something is not as it should be, or
  // whose frames do not fit.
  struct Found {
    std::size_t length = 0;
    std::optional<std::size_t> open_question;
  };

  // Writes the frames of a serial number, given without leading zeros, into `out`, one after the other.
  Found find(Bytes serial, std::span<std::uint8_t> out);

 private:
  Found find_in_segments(Bytes serial, std::span<std::uint8_t> out) const;
  std::optional<std::size_t> find_in(const TableSegment& segment, Bytes serial, std::span<std::uint8_t> out) const;

  std::vector<TableSegment> segments_;
  // Theirs, side by side.
  std::vector<SerialFilter> filters_;
  std::span<std::uint8_t> blocks_;
  FrameMemory found_;
  std::uint64_t number_;
};

}  // namespace ocsp
