#include "serial_filter.h"

#include <array>

namespace ocsp {

namespace {

constexpr int kBlockBitsShift = 23;
// The filter of nothing has no block of its own.
constexpr std::array<std::uint8_t, SerialFilter::kBlock> kNothing = {};

// Lets each bit depend on each (the end of MurmurHash3).
std::uint32_t mixed(std::uint32_t bits) {
  bits = (bits ^ (bits >> 16)) * 0x85ebca6bU;
  bits = (bits ^ (bits >> 13)) * 0xc2b2ae35U;
  return bits ^ (bits >> 16);
}

}  // namespace

SerialFilter::SerialFilter(Bytes bytes)
    : first(bytes.size() < kBlock ? kNothing.data() : bytes.data()), count(bytes.size() / kBlock) {}

SerialMark::SerialMark(Bytes serial) {
  while (!serial.empty() && serial.front() == 0) serial = serial.subspan(1);
  std::uint32_t one = 0x811c9dc5U;
  std::uint32_t other = 0x9e3779b9U;
  for (const std::uint8_t octet : serial) {
    one = (one ^ octet) * 0x01000193U;
    other = (other + octet) * 0x85ebca6bU ^ (other >> 15);
  }
  block_ = mixed(one);
  std::uint32_t bit = mixed(other);
  const std::uint32_t step = mixed(one + other) | 1;
  for (Probe& probe : probes_) {
    const std::uint32_t at = bit >> kBlockBitsShift;
    probe = {static_cast<std::uint8_t>(at >> 3), static_cast<std::uint8_t>(1U << (at & 7))};
    bit += step;
  }
}

}  // namespace ocsp
