// Lookups in segments of a store, against a plain map; and what happens when a byte is another one.
#include "core/segment_search.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "check.h"
#include "core/crc32.h"
#include "core/frame_memory.h"
#include "core/segment_table.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

constexpr std::size_t kBlockEntries = 4;
constexpr std::size_t kFrameHeader = 30;

// Bit by bit, as the polynomial says.
std::uint32_t plain_crc32(Bytes bytes, std::uint32_t sum) {
  std::uint32_t state = ~sum;
  for (const std::uint8_t byte : bytes) {
    state ^= byte;
    for (int bit = 0; bit < 8; ++bit) state = state >> 1 ^ (state & 1 ? 0xedb88320U : 0);
  }
  return ~state;
}

void put(ByteVector& out, std::uint64_t number, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(number >> 8 * i));
}

void append(ByteVector& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// A file without a name.
class File {
 public:
  explicit File(const ByteVector& bytes) : file_(std::tmpfile()) { write(bytes, 0); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { static_cast<void>(std::fclose(file_)); }

  int descriptor() const { return fileno(file_); }
  void write(Bytes bytes, std::size_t at) const {
    check(
        pwrite(descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(bytes.size()),
        "written");
  }
  void cut(std::size_t size) const { check(ftruncate(descriptor(), static_cast<off_t>(size)) == 0, "cut"); }

 private:
  std::FILE* file_;
};

// In its shortest form.
ByteVector any_serial(std::size_t longest) {
  ByteVector serial = random_bytes(1 + below(longest));
  serial[0] = static_cast<std::uint8_t>(1 + below(255));
  return serial;
}

class Model {
 public:
  // The numbers of blocks begin with `first_block`.
  Model(std::size_t serials, std::size_t longest, std::uint64_t first_block)
      : width_(longest + 1), seed_(fixtures::random()()) {
    for (std::size_t i = 0; i < serials; ++i) {
      const ByteVector serial = any_serial(longest);
      const std::size_t kinds = 1 + below(4);
      for (std::size_t kind = 0; kind < kinds; ++kind) {
        keys_[padded_key(serial, static_cast<std::uint8_t>(3 * kind + below(3)))] = serial;
      }
    }
    write(first_block);
  }

  const ByteVector& bytes() const { return bytes_; }
  const SegmentShape& shape() const { return shape_; }
  const std::map<ByteVector, ByteVector>& keys() const { return keys_; }

  ByteVector expected(const ByteVector& serial) const {
    ByteVector found;
    for (const auto& [key, frame] : frames_) {
      if (keys_.at(key) == serial) append(found, frame);
    }
    return found;
  }

  const ByteVector& fences() const { return fences_; }

  ByteVector fences_and_key(const ByteVector& serial) const {
    ByteVector all = fences_;
    append(all, padded_key(serial, 0));
    return all;
  }

  std::size_t width() const { return width_; }

 private:
  ByteVector padded_key(const ByteVector& serial, std::uint8_t kind) const {
    ByteVector key(width_ - 1 - serial.size());
    append(key, serial);
    key.push_back(kind);
    return key;
  }

  void write(std::uint64_t first_block) {
    bytes_ = random_bytes(32);
    // The order in which answers came is any; now and then that of the index, side by side.
    std::vector<ByteVector> order;
    for (const auto& [key, serial] : keys_) order.push_back(key);
    if (below(3) != 0) std::shuffle(order.begin(), order.end(), fixtures::random());
    std::map<ByteVector, std::size_t> offsets;
    for (const ByteVector& key : order) {
      ByteVector rest;
      const ByteVector& serial = keys_.at(key);
      put(rest, kFrameHeader + serial.size() + 1 + 1 + below(300), 4);
      const std::size_t size = std::size_t{rest[2]} << 8 | rest[3];
      put(rest, 1, 1);
      put(rest, below(3), 1);
      put(rest, serial.size(), 1);
      append(rest, random_bytes(kFrameHeader - 11));
      append(rest, serial);
      rest.push_back(key.back());
      append(rest, random_bytes(size - 4 - rest.size()));
      ByteVector frame;
      put(frame, plain_crc32(rest, seed_), 4);
      append(frame, rest);
      offsets[key] = bytes_.size();
      append(bytes_, frame);
      frames_[key] = frame;
    }
    shape_ = {bytes_.size(),
              static_cast<std::uint32_t>(keys_.size()),
              static_cast<std::uint32_t>(width_),
              kBlockEntries,
              seed_,
              first_block};
    ByteVector block;
    std::size_t count = 0;
    for (const auto& [key, serial] : keys_) {
      if (block.empty()) append(fences_, key);
      append(block, key);
      put(block, offsets.at(key), 6);
      put(block, frames_.at(key).size(), 4);
      if (++count % kBlockEntries == 0 || count == keys_.size()) {
        append(bytes_, block);
        put(bytes_, plain_crc32(block, seed_), 4);
        block.clear();
      }
    }
    append(fences_, keys_.rbegin()->first);
  }

  std::size_t width_;
  std::uint32_t seed_;
  std::map<ByteVector, ByteVector> keys_;    // padded: serial number
  std::map<ByteVector, ByteVector> frames_;  // padded: frame
  ByteVector fences_;
  ByteVector bytes_;
  SegmentShape shape_{};
};

std::optional<ByteVector> find(const Model& model, const File& file, const ByteVector& serial, std::size_t room,
                               std::span<std::uint8_t> blocks) {
  const ByteVector all = model.fences_and_key(serial);
  const Bytes fences = Bytes(all).first(all.size() - model.width());
  // Of its size on the heap: what is written or read past an end is seen.
  ByteVector out(room);
  const auto length =
      find_frames({file.descriptor(), model.shape(), fences}, Bytes(all).last(model.width()), out, blocks);
  if (!length) return std::nullopt;
  out.resize(*length);
  return out;
}

// Serial numbers that are there, near those, and any.
ByteVector some_serial(const Model& model) {
  const auto& keys = model.keys();
  auto at = keys.begin();
  std::advance(at, below(keys.size()));
  ByteVector serial = at->second;
  const std::size_t choice = below(4);
  if (choice == 0) return any_serial(model.width() - 1);
  if (choice == 1) serial.back() ^= 0x80;
  return serial[0] == 0 ? at->second : serial;
}

void test_against_map() {
  ByteVector blocks(2048);
  std::uint64_t first_block = 1;
  for (int round = 0; round < 60; ++round) {
    const Model model(1 + below(60), 1 + below(20), first_block);
    first_block += model.keys().size();
    const File file(model.bytes());
    for (int i = 0; i < 60; ++i) {
      const ByteVector serial = some_serial(model);
      const ByteVector expected = model.expected(serial);
      const std::span<std::uint8_t> kept = below(2) == 0 ? std::span(blocks) : std::span<std::uint8_t>();
      const auto found = find(model, file, serial, expected.size() + below(2), kept);
      check(found && *found == expected, "the frames of a serial number, and no others");
      if (!expected.empty()) {
        check(!find(model, file, serial, below(expected.size()), blocks), "what does not fit is not cut");
      }
    }
  }
}

void test_damage() {
  for (int round = 0; round < 300; ++round) {
    const Model model(1 + below(12), 1 + below(20), 1);
    const File file(model.bytes());
    const std::size_t at = 32 + below(model.bytes().size() - 32);
    const std::uint8_t wrong = model.bytes()[at] ^ static_cast<std::uint8_t>(1U << below(8));
    file.write(Bytes(&wrong, 1), at);
    std::size_t refused = 0;
    for (const auto& [key, serial] : model.keys()) {
      const auto found = find(model, file, serial, 1 << 16, {});
      if (!found) {
        ++refused;
      } else {
        check(*found == model.expected(serial), "a damaged segment gives what it had, or nothing at all");
      }
    }
    check(refused > 0, "somebody notices");
  }
  for (int round = 0; round < 100; ++round) {
    const Model model(1 + below(12), 1 + below(20), 1);
    const File file(model.bytes());
    file.cut(below(model.bytes().size()));
    const ByteVector last = model.keys().rbegin()->second;
    check(!find(model, file, last, 1 << 16, {}), "a segment that was cut short");
  }
  const Model model(5, 8, 1);
  const ByteVector all = model.fences_and_key(model.keys().begin()->second);
  ByteVector out(1 << 16);
  check(!find_frames({-1, model.shape(), Bytes(all).first(all.size() - model.width())}, Bytes(all).last(model.width()),
                     out, {}),
        "a file that is not open");
}

// A filter of some blocks that lets these serial numbers pass, and few others: all bits of the blocks they are in.
ByteVector filter_of(const Model& model, std::size_t blocks) {
  ByteVector bytes(SerialFilter::kBlock * blocks);
  const SerialFilter filter(bytes);
  for (const auto& [key, serial] : model.keys()) {
    const auto at = static_cast<std::size_t>(SerialMark(serial).block_in(filter) - bytes.data());
    std::fill_n(&bytes[at], SerialFilter::kBlock, 0xff);
  }
  return bytes;
}

// A segment of a table, with all that it looks into.
struct Part {
  Part(std::size_t serials, std::size_t longest, std::uint64_t first_block)
      : model(serials, longest, first_block),
        file(model.bytes()),
        filter(filter_of(model, 1 + below(3))),
        state{file.descriptor(), 0} {}

  Model model;
  File file;
  ByteVector filter;
  FileState state;
};

void test_table() {
  ByteVector blocks(4096);
  std::uint64_t first_block = 1;
  for (int round = 0; round < 20; ++round) {
    // More than are looked at in one go, now and then.
    std::vector<std::unique_ptr<Part>> parts(1 + below(round % 4 == 0 ? 150 : 8));
    SegmentTable table(blocks, FrameMemory{{}}, 0);
    for (auto& part : parts) {
      part = std::make_unique<Part>(1 + below(20), 1 + below(2), first_block);
      first_block += part->model.keys().size();
      table.add({&part->state, part->model.shape(), part->model.fences(), part->filter});
    }
    for (int i = 0; i < 60; ++i) {
      const std::size_t at = below(parts.size());
      Part& one = *parts[at];
      ByteVector serial = below(9) == 0 ? any_serial(30) : some_serial(one.model);
      ByteVector expected;
      for (const auto& part : parts) append(expected, part->model.expected(serial));
      ByteVector out(expected.size() + below(2));
      for (const auto& part : parts) part->state.is_used = 0;
      const auto found = table.find(serial, out);
      out.resize(found.length);
      check(!found.open_question && out == expected, "the frames of all segments, in their order");
      const ByteVector here = one.model.expected(serial);
      check(here.empty() || one.state.is_used == 1, "what was read is known");
      if (here.empty()) continue;
      ByteVector small(expected.size() - 1);
      check(table.find(serial, small).open_question.has_value(), "what does not fit is not cut");
      const std::int32_t open = std::exchange(one.state.descriptor, -1);
      ByteVector room(expected.size());
      check(table.find(serial, room).open_question == at, "a segment that is not open is named");
      one.state.descriptor = open;
    }
  }
}

void test_filters() {
  const ByteVector serial = any_serial(20);
  ByteVector padded(3);
  append(padded, serial);
  ByteVector bytes(SerialFilter::kBlock * 5);
  const SerialFilter filter(bytes);
  check(SerialMark(serial).block_in(filter) == SerialMark(padded).block_in(filter), "leading zeros do not matter");
  check(!SerialMark(serial).is_in(SerialMark(serial).block_in(filter)), "nothing was added");
  const SerialFilter none{Bytes()};
  check(!SerialMark(serial).is_in(SerialMark(serial).block_in(none)), "what has no filter has nothing");
  const ByteVector known = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0};
  const SerialMark mark(known);
  std::size_t needed = 0;
  const std::size_t at = static_cast<std::size_t>(mark.block_in(filter) - bytes.data());
  for (std::size_t bit = 0; bit < 8 * SerialFilter::kBlock; ++bit) {
    std::fill_n(&bytes[at], SerialFilter::kBlock, 0xff);
    bytes[at + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    if (!mark.is_in(&bytes[at])) ++needed;
  }
  check(needed == 8, "each of eight bits is looked at");
}

// What is kept last is there, under its number and serial number; no one else's ever is.
void test_frame_memory() {
  for (int round = 0; round < 20; ++round) {
    ByteVector room((1 + below(4)) << 16);
    FrameMemory memory{room};
    std::map<std::pair<std::uint64_t, ByteVector>, ByteVector> kept;
    std::size_t recalled = 0;
    for (int i = 0; i < 4000; ++i) {
      const std::uint64_t number = below(3);
      // Short ones come again.
      const bool large = below(20) == 0;
      const ByteVector serial = large ? random_bytes(20) : any_serial(below(4) == 0 ? 1 : 20);
      const ByteVector frames = random_bytes(1 + below(large ? 9000 : 300));
      memory.keep(number, serial, frames);
      kept[{number, serial}] = frames;
      ByteVector out(frames.size());
      const auto length = memory.find(number, serial, out);
      const bool fits = frames.size() + serial.size() < room.size() / 32;
      check(length ? *length == frames.size() && out == frames : !fits, "what was kept just now");
      ByteVector small(frames.size() - 1);
      check(!memory.find(number, serial, small), "what does not fit is not cut");
      ByteVector any(16 << 10);
      const ByteVector other = any_serial(20);
      check(!memory.find(number, other, any) || kept.contains({number, other}), "what was not kept");
    }
    for (const auto& [key, frames] : kept) {
      ByteVector out(16 << 10);
      const auto length = FrameMemory{room}.find(key.first, key.second, out);
      if (!length) continue;
      recalled += 1;
      out.resize(*length);
      check(out == frames, "of several the last one");
    }
    check(recalled > 50 && recalled < kept.size(), "some are there, and some are gone");
  }
  ByteVector none(1000);
  FrameMemory memory{none};
  memory.keep(1, any_serial(3), random_bytes(3));
  check(none == ByteVector(1000), "too little room");
}

// A table tells from memory what it has found, and no other does.
void test_table_with_memory() {
  ByteVector room(1 << 16);
  Part part(10, 8, 1);
  const auto table_of = [&](std::uint64_t number) {
    SegmentTable table({}, FrameMemory{room}, number);
    table.add({&part.state, part.model.shape(), part.model.fences(), part.filter});
    return table;
  };
  SegmentTable table = table_of(1);
  const ByteVector serial = part.model.keys().begin()->second;
  const ByteVector expected = part.model.expected(serial);
  ByteVector out(expected.size());
  check(table.find(serial, out).length == out.size() && out == expected, "found");
  part.state.descriptor = -1;
  std::ranges::fill(out, 0);
  check(table.find(serial, out).length == out.size() && out == expected, "found again without the file");
  check(table_of(2).find(serial, out).open_question == 0, "not in another table");
}

// The checksums of another segment begin differently.
void test_other_segment() {
  const Model model(10, 8, 1);
  const File file(model.bytes());
  SegmentShape shape = model.shape();
  shape.seed += 1;
  const ByteVector all = model.fences_and_key(model.keys().begin()->second);
  ByteVector out(1 << 16);
  check(!find_frames({file.descriptor(), shape, Bytes(all).first(all.size() - model.width())},
                     Bytes(all).last(model.width()), out, {}),
        "blocks of another segment");
}

void test_crc32() {
  const std::string_view digits = "123456789";
  const Bytes known(reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size());
  check(crc32(known, 0) == 0xcbf43926, "the check value of CRC-32");
  for (std::size_t size = 0; size < 300; ++size) {
    const ByteVector bytes = random_bytes(size);
    const auto sum = static_cast<std::uint32_t>(fixtures::random()());
    check(crc32(bytes, sum) == plain_crc32(bytes, sum), "CRC-32 of any length, going on from any sum");
  }
}

}  // namespace

int main() {
  test_crc32();
  test_against_map();
  test_damage();
  test_other_segment();
  test_filters();
  test_table();
  test_frame_memory();
  test_table_with_memory();
  return check.finish();
}
