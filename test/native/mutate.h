// Turns messages into almost-messages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "core/bytes.h"

namespace mutate {

using Engine = std::mt19937_64;

// Bytes changed, inserted or removed anywhere.
ocsp::ByteVector octets(ocsp::ByteVector message, Engine& engine);

// The elements of a message, decoded once for any number of mutants.
class Elements {
 public:
  explicit Elements(ocsp::Bytes message);

  // The elements changed with all lengths kept right, so that readers get past the first header: removed, doubled,
  // swapped, retagged or refilled; lengths written in other BER forms; strings in segments. `octets` of the message
  // where it has no elements.
  ocsp::ByteVector mutant(Engine& engine);

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr int kIndefinite = -1;

  // Lists are linked from their last element to their first: mutants are written from their end.
  struct Element {
    std::array<std::uint8_t, 8> identifier = {};
    std::uint32_t identifier_size = 1;
    std::uint32_t content = 0;  // where it begins in bytes_, when there is nothing inside
    std::uint32_t content_size = 0;
    std::uint32_t last = kNone;  // inside: of a constructed element, or of a string that holds DER
    std::uint32_t previous = kNone;
    int extra_octets = 0;  // of the length, or kIndefinite
    bool removed = false;
  };
  class Output;

  bool decode(std::size_t at, std::size_t end, std::uint32_t& last, int depth);
  std::uint32_t add(const Element& element);
  std::uint32_t copy_list(std::uint32_t last);
  void change_one(Engine& engine);
  void insert_copy(std::uint32_t source, std::uint32_t before);
  void swap_with_earlier(std::uint32_t index, Engine& engine);
  void refill(Element& element, Engine& engine);
  void segment(std::uint32_t index, Engine& engine);
  void flip_bit(Element& element, Engine& engine);
  void write(std::uint32_t last, Output& out) const;

  ocsp::ByteVector bytes_;  // the message, then what a mutant adds
  std::size_t message_size_;
  std::vector<Element> decoded_;
  std::vector<Element> elements_;  // of the mutant
  std::uint32_t roots_ = kNone;
};

inline ocsp::ByteVector elements(ocsp::Bytes message, Engine& engine) { return Elements(message).mutant(engine); }

}  // namespace mutate
