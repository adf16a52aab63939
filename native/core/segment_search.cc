#include "segment_search.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "crc32.h"

#ifndef _WIN32
#include <unistd.h>

#include <cerrno>
#endif

namespace ocsp {

namespace {

constexpr std::size_t kMaxBlock = 9216;
// A block that is kept, after its number.
constexpr std::size_t kSlot = 1024;
constexpr std::size_t kNumber = 8;
constexpr std::size_t kMaxFrames = 16;
constexpr std::size_t kEntryTail = 10;
constexpr std::size_t kChecksum = 4;
constexpr std::size_t kFrameHeader = 30;
constexpr std::uint8_t kResponse = 1;

std::uint64_t number_at(const std::uint8_t* bytes, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i) number = number << 8 | bytes[i];
  return number;
}

std::uint32_t uint32_at(const std::uint8_t* bytes) { return static_cast<std::uint32_t>(number_at(bytes, 4)); }

#ifdef _WIN32
// The descriptor is one of Node's, which only Node reads.
bool read_at(int, std::span<std::uint8_t>, std::uint64_t) { return false; }
#else
bool read_at(int descriptor, std::span<std::uint8_t> into, std::uint64_t position) {
  while (!into.empty()) {
    const ssize_t count = pread(descriptor, into.data(), into.size(), static_cast<off_t>(position));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(count));
    position += static_cast<std::uint64_t>(count);
  }
  return true;
}
#endif

// How many of `count` ascending keys, so far apart, are not above one. Looks near the place that is guessed first: what
// it does not touch does not have to come from memory.
std::size_t count_not_above(Bytes keys, std::size_t stride, std::size_t count, Bytes key, std::size_t guess) {
  const auto not_above = [&](std::size_t at) { return std::memcmp(key.data(), &keys[at * stride], key.size()) >= 0; };
  std::size_t low = 0;
  std::size_t high = count;
  std::size_t middle = std::min(guess, count - 1);
  bool above_seen = false;
  bool not_above_seen = false;
  for (std::size_t step = 1; low < high; step *= 2) {
    if (not_above(middle)) {
      not_above_seen = true;
      low = middle + 1;
    } else {
      above_seen = true;
      high = middle;
    }
    if (above_seen && not_above_seen) {
      middle = (low + high) / 2;
    } else if (above_seen) {
      middle = high - std::min(step, high - low);
    } else {
      middle = std::min(low + step, high) - 1;
    }
  }
  return low;
}

// Where keys lie between two, were they spread evenly.
class Spread {
 public:
  Spread(const std::uint8_t* first, const std::uint8_t* last, std::size_t width) : width_(width) {
    while (common_ < width && first[common_] == last[common_]) ++common_;
    first_ = number(first);
    range_ = static_cast<double>(number(last) - first_);
  }

  // As a part of the whole, which a key outside is not.
  double part(const std::uint8_t* key) const {
    if (range_ <= 0) return 0;
    const std::uint64_t value = number(key);
    return value < first_ ? 0 : static_cast<double>(value - first_) / range_;
  }

 private:
  // The first bytes in which there is a difference.
  std::uint64_t number(const std::uint8_t* key) const {
    return number_at(key + common_, std::min<std::size_t>(8, width_ - common_));
  }

  std::size_t width_;
  std::size_t common_ = 0;
  std::uint64_t first_ = 0;
  double range_ = 0;
};

struct Position {
  std::uint64_t offset;
  std::size_t length;
};

class Search {
 public:
  Search(const Segment& segment, Bytes key, std::span<std::uint8_t> blocks)
      : segment_(segment), key_(key), kept_(blocks) {}

  // Fills `positions_`; false when something is wrong.
  bool look_up() {
    const std::size_t width = segment_.shape.key_width;
    if (width == 0 || segment_.fences.size() < (blocks() + 1) * width) return false;
    if (blocks() == 0) return true;
    std::size_t block = find_block();
    if (!read_block(block)) return false;
    const Spread spread(fence(block), fence(block + 1), width);
    const std::size_t count = entries_.size() / stride();
    const auto guess = static_cast<std::size_t>(std::min(spread.part(key_.data()), 1.0) * static_cast<double>(count));
    std::size_t at = count_not_above(entries_, stride(), count, key_, guess) * stride();
    // The entry that is not above the key is the key itself, or one before all of the serial number.
    if (at > 0 && same(at - stride(), width)) at -= stride();
    for (;; at += stride()) {
      if (at == entries_.size()) {
        block += 1;
        if (block == blocks()) return true;
        if (!read_block(block)) return false;
        at = 0;
      }
      if (!same(at, width - 1)) return true;
      if (count_ == positions_.size()) return false;
      positions_[count_++] = {number_at(&entries_[at + width], 6), uint32_at(&entries_[at + width + 6])};
    }
  }

  // Frames that lie side by side, as those of one certificate do in a bulk run, are read in one go.
  std::optional<std::size_t> read_frames(std::span<std::uint8_t> out) const {
    std::size_t done = 0;
    for (std::size_t first = 0; first < count_;) {
      const std::uint64_t start = positions_[first].offset;
      std::size_t length = 0;
      std::size_t next = first;
      for (; next < count_ && positions_[next].offset == start + length; ++next) {
        if (positions_[next].length > out.size() - done - length) return std::nullopt;
        length += positions_[next].length;
      }
      if (!read_at(segment_.descriptor, out.subspan(done, length), start)) return std::nullopt;
      for (; first < next; ++first) {
        if (!is_response(out.subspan(done, positions_[first].length))) return std::nullopt;
        done += positions_[first].length;
      }
    }
    return done;
  }

 private:
  std::size_t stride() const { return segment_.shape.key_width + kEntryTail; }
  std::size_t blocks() const {
    return (std::size_t{segment_.shape.entries} + segment_.shape.block_entries - 1) / segment_.shape.block_entries;
  }

  const std::uint8_t* fence(std::size_t block) const { return &segment_.fences[block * segment_.shape.key_width]; }

  // The block in which the key would be.
  std::size_t find_block() const {
    const std::size_t count = blocks();
    const Spread spread(fence(0), fence(count), segment_.shape.key_width);
    const double whole = static_cast<double>(count);
    const auto place = [&](double part) { return static_cast<std::size_t>(std::clamp(part * whole, 0.0, whole - 1)); };
    const double part = spread.part(key_.data());
    // What is there says how far the guess is off.
    const std::size_t first = place(part);
    const std::size_t guess = place(part + static_cast<double>(first) / whole - spread.part(fence(first)));
    const std::size_t not_above = count_not_above(segment_.fences, segment_.shape.key_width, count, key_, guess);
    return not_above - (not_above > 0 ? 1 : 0);
  }

  bool same(std::size_t at, std::size_t size) const { return std::memcmp(&entries_[at], key_.data(), size) == 0; }

  bool read_block(std::size_t block) {
    const std::size_t whole = segment_.shape.block_entries;
    const std::size_t size = std::min(whole, segment_.shape.entries - block * whole) * stride();
    const std::span<std::uint8_t> slot = slot_of(block, size);
    const std::uint64_t number = segment_.shape.first_block + block;
    if (!slot.empty() && std::memcmp(slot.data(), &number, kNumber) == 0) {
      entries_ = slot.subspan(kNumber, size);
      return true;
    }
    if (size + kChecksum > block_.size()) return false;
    const std::uint64_t offset = segment_.shape.index_offset + block * (whole * stride() + kChecksum);
    if (!read_at(segment_.descriptor, std::span(block_).first(size + kChecksum), offset)) return false;
    entries_ = Bytes(block_).first(size);
    if (crc32(entries_, segment_.shape.seed) != uint32_at(&block_[size])) return false;
    if (!slot.empty()) {
      std::memcpy(slot.data(), &number, kNumber);
      std::memcpy(&slot[kNumber], entries_.data(), size);
    }
    return true;
  }

  // Where a block is kept, if at all.
  std::span<std::uint8_t> slot_of(std::size_t block, std::size_t size) const {
    const std::size_t slots = kept_.size() / kSlot;
    if (slots == 0 || kNumber + size > kSlot) return {};
    return kept_.subspan((segment_.shape.first_block + block) % slots * kSlot, kSlot);
  }

  bool is_response(Bytes frame) const {
    if (frame.size() <= kFrameHeader || frame[8] != kResponse || uint32_at(&frame[4]) != frame.size()) return false;
    if (uint32_at(frame.data()) != crc32(frame.subspan(4), segment_.shape.seed)) return false;
    const std::size_t serial = frame[10];
    const std::size_t width = key_.size() - 1;
    if (serial > width || kFrameHeader + serial >= frame.size()) return false;
    const auto padding = key_.first(width - serial);
    return std::all_of(padding.begin(), padding.end(), [](std::uint8_t octet) { return octet == 0; }) &&
           std::memcmp(&key_[width - serial], &frame[kFrameHeader], serial) == 0;
  }

  const Segment& segment_;
  Bytes key_;
  std::span<std::uint8_t> kept_;
  std::array<std::uint8_t, kMaxBlock> block_;
  Bytes entries_;
  std::array<Position, kMaxFrames> positions_;
  std::size_t count_ = 0;
};

}  // namespace

std::optional<std::size_t> find_frames(const Segment& segment, Bytes key, std::span<std::uint8_t> out,
                                       std::span<std::uint8_t> blocks) {
  Search search(segment, key, blocks);
  if (!search.look_up()) return std::nullopt;
  return search.read_frames(out);
}

}  // namespace ocsp
