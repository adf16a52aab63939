// Frames that were found before: those that were kept last are there, under what was looked into and the serial number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bytes.h"

namespace ocsp {

class FrameMemory {
 public:
  // In this room, which begins as zeros, and which memories may share; with less than 64 KiB of it, nothing is kept.
  explicit FrameMemory(std::span<std::uint8_t> room);

  // What was kept under a number and a serial number, copied to `out`. Nothing where there is none, or not enough room.
  std::optional<std::size_t> find(std::uint64_t number, Bytes serial, std::span<std::uint8_t> out) const;

  // Lets go of what was kept first where room is needed.
  void keep(std::uint64_t number, Bytes serial, Bytes frames);

 private:
  struct Record {
    std::uint64_t number;
    std::uint32_t serial;
    std::uint32_t frames;
  };
  struct Pair {
    std::uint8_t* places;
    std::uint64_t mark;
  };

  std::optional<Bytes> frames_at(std::uint64_t place, std::uint64_t number, Bytes serial) const;
  Pair pair_of(std::uint64_t number, Bytes serial) const;

  std::uint8_t* written_ = nullptr;
  std::span<std::uint8_t> places_;
  std::span<std::uint8_t> ring_;
};

}  // namespace ocsp
