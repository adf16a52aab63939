// Which serial numbers a segment of a store may have: reads the filters that lib/store/serial-filter.ts makes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "bytes.h"

namespace ocsp {

// A filter: its blocks, each of which is one line of a processor's cache.
struct SerialFilter {
  static constexpr std::size_t kBlock = 64;

  explicit SerialFilter(Bytes bytes);

  const std::uint8_t* first;
  std::uint64_t count;
};

// What filters know of a serial number.
class SerialMark {
 public:
  // Leading zeros do not matter.
  explicit SerialMark(Bytes serial);

  // The one block of a filter that all its bits are in.
  const std::uint8_t* block_in(const SerialFilter& filter) const {
    return filter.first + (block_ * filter.count >> 32) * SerialFilter::kBlock;
  }

  // Whether it may have been added to the filter of this block; false is certain.
  bool is_in(const std::uint8_t* block) const {
    // Half of the bits are set: one look after the other would be guesswork for the processor.
    return has(block, 0, kProbes / 2) && has(block, kProbes / 2, kProbes);
  }

 private:
  static constexpr std::size_t kProbes = 8;

  struct Probe {
    std::uint8_t at;
    std::uint8_t bit;
  };

  bool has(const std::uint8_t* block, std::size_t from, std::size_t to) const {
    unsigned missing = 0;
    for (std::size_t i = from; i < to; ++i) missing |= ~unsigned{block[probes_[i].at]} & probes_[i].bit;
    return missing == 0;
  }

  std::uint64_t block_ = 0;
  std::array<Probe, kProbes> probes_ = {};
};

}  // namespace ocsp
