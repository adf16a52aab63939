#include "frame_memory.h"

#include <cstring>

namespace ocsp {

namespace {

// How many bytes were ever written to the ring, those that were passed over at its end with them; then pairs of places
// in it, counted so and plus one, 0 is none, with eight bits of the hash below; then the ring. What more than a round
// was written after is gone. Nearly always these bits tell that something was not kept, without a look into the ring.
constexpr std::size_t kPlace = 8;
constexpr std::size_t kPair = 2 * kPlace;
constexpr unsigned kMarkBits = 8;
constexpr std::uint64_t kMark = (1U << kMarkBits) - 1;
constexpr std::size_t kSmallest = std::size_t{64} * 1024;
// Bytes of the ring for each byte of places: answers have some 350 bytes, and places are to be half empty.
constexpr std::size_t kRingPart = 24;

std::uint64_t place_in(const std::uint8_t* bytes) {
  std::uint64_t place = 0;
  std::memcpy(&place, bytes, kPlace);
  return place;
}

void write_place(std::uint8_t* bytes, std::uint64_t place) { std::memcpy(bytes, &place, kPlace); }

}  // namespace

FrameMemory::FrameMemory(std::span<std::uint8_t> room) {
  if (room.size() < kSmallest) return;
  written_ = room.data();
  const std::size_t pairs = room.size() / (kRingPart + 1) / kPair;
  places_ = room.subspan(kPlace, pairs * kPair);
  ring_ = room.subspan(kPlace + places_.size());
}

std::optional<std::size_t> FrameMemory::find(std::uint64_t number, Bytes serial, std::span<std::uint8_t> out) const {
  if (ring_.empty()) return std::nullopt;
  const auto [pair, mark] = pair_of(number, serial);
  for (const std::uint64_t place : {place_in(pair), place_in(pair + kPlace)}) {
    if ((place & kMark) != mark) continue;
    const auto frames = frames_at(place >> kMarkBits, number, serial);
    if (!frames) continue;
    if (frames->size() > out.size()) return std::nullopt;
    std::memcpy(out.data(), frames->data(), frames->size());
    return frames->size();
  }
  return std::nullopt;
}

void FrameMemory::keep(std::uint64_t number, Bytes serial, Bytes frames) {
  const std::size_t size = sizeof(Record) + serial.size() + frames.size();
  if (size > ring_.size() / 16) return;
  const auto [pair, mark] = pair_of(number, serial);
  // In the place of what is there under the same, or of the older one.
  const std::uint64_t first = place_in(pair);
  const bool is_second = !frames_at(first >> kMarkBits, number, serial) && place_in(pair + kPlace) < first;
  std::uint64_t start = place_in(written_);
  const std::size_t left = ring_.size() - start % ring_.size();
  if (size > left) start += left;
  write_place(written_, start + size);
  std::uint8_t* at = &ring_[start % ring_.size()];
  const Record record{number, static_cast<std::uint32_t>(serial.size()), static_cast<std::uint32_t>(frames.size())};
  std::memcpy(at, &record, sizeof record);
  std::memcpy(at + sizeof record, serial.data(), serial.size());
  std::memcpy(at + sizeof record + serial.size(), frames.data(), frames.size());
  write_place(pair + (is_second ? kPlace : 0), (start + 1) << kMarkBits | mark);
}

// What is at a place, if it was kept under these, and was not written over.
std::optional<Bytes> FrameMemory::frames_at(std::uint64_t place, std::uint64_t number, Bytes serial) const {
  if (place == 0 || place_in(written_) - (place - 1) > ring_.size()) return std::nullopt;
  const Bytes there = ring_.subspan((place - 1) % ring_.size());
  Record record{};
  std::memcpy(&record, there.data(), sizeof record);
  if (record.number != number || record.serial != serial.size()) return std::nullopt;
  const Bytes rest = there.subspan(sizeof record, std::size_t{record.serial} + record.frames);
  if (std::memcmp(rest.data(), serial.data(), serial.size()) != 0) return std::nullopt;
  return rest.subspan(serial.size());
}

// The two places where it may be, and what is below them then.
FrameMemory::Pair FrameMemory::pair_of(std::uint64_t number, Bytes serial) const {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15U;
  std::uint64_t hash = number * kFactor;
  for (; serial.size() >= kPlace; serial = serial.subspan(kPlace)) {
    hash = (hash ^ place_in(serial.data())) * kFactor;
    hash ^= hash >> 32;
  }
  for (const std::uint8_t octet : serial) hash = (hash ^ octet) * kFactor;
  hash ^= hash >> 29;
  return {&places_[(hash >> kMarkBits) % (places_.size() / kPair) * kPair], hash & kMark};
}

}  // namespace ocsp
