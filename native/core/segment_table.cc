#include "segment_table.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace ocsp {

namespace {

// Blocks of filters that are fetched at the same time.
constexpr std::size_t kAhead = 64;
constexpr std::size_t kLongestKey = 256;

void prefetch([[maybe_unused]] const std::uint8_t* bytes) {
#if defined(__GNUC__)
  __builtin_prefetch(bytes);
#endif
}

}  // namespace

SegmentTable::Found SegmentTable::find(Bytes serial, std::span<std::uint8_t> out) {
  if (const auto length = found_.find(number_, serial, out)) return {*length, std::nullopt};
  const Found found = find_in_segments(serial, out);
  if (found.length > 0) found_.keep(number_, serial, out.first(found.length));
  return found;
}

SegmentTable::Found SegmentTable::find_in_segments(Bytes serial, std::span<std::uint8_t> out) const {
  const SerialMark mark(serial);
  std::array<const std::uint8_t*, kAhead> blocks;
  Found found;
  for (std::size_t first = 0; first < segments_.size(); first += kAhead) {
    const std::size_t count = std::min(kAhead, segments_.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      blocks[i] = mark.block_in(filters_[first + i]);
      prefetch(blocks[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!mark.is_in(blocks[i])) continue;
      const auto length = find_in(segments_[first + i], serial, out.subspan(found.length));
      if (!length) return {0, first + i};
      found.length += *length;
    }
  }
  return found;
}

std::optional<std::size_t> SegmentTable::find_in(const TableSegment& segment, Bytes serial,
                                                 std::span<std::uint8_t> out) const {
  const std::size_t width = segment.shape.key_width;
  // No serial number of the segment is as long.
  if (serial.size() >= width) return 0;
  if (width > kLongestKey || segment.file->descriptor < 0) return std::nullopt;
  std::array<std::uint8_t, kLongestKey> key = {};
  std::copy(serial.begin(), serial.end(), &key[width - 1 - serial.size()]);
  segment.file->is_used = 1;
  return find_frames({segment.file->descriptor, segment.shape, segment.fences}, Bytes(key).first(width), out, blocks_);
}

}  // namespace ocsp
