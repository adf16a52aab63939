// Writes DER back to front: what is inside an element is written before its header, so every length is known when it
// is needed and nothing is sized twice.
#pragma once

#include <cstring>

#include "bytes.h"

namespace ocsp {

class DerWriter {
 public:
  explicit DerWriter(std::size_t expected_size) : buffer_(expected_size + 64), start_(buffer_.size()) {}

  // Bytes written so far; the difference of two readings is the length of what was written between them.
  std::size_t size() const { return buffer_.size() - start_; }
  Bytes bytes() const { return {buffer_.data() + start_, size()}; }
  // Starts over, keeping the memory.
  void clear() { start_ = buffer_.size(); }
  ByteVector take() const { return {buffer_.begin() + static_cast<std::ptrdiff_t>(start_), buffer_.end()}; }

  // Puts `bytes` in front of what is there.
  void raw(Bytes bytes) {
    if (bytes.empty()) return;
    reserve(bytes.size());
    start_ -= bytes.size();
    std::memcpy(buffer_.data() + start_, bytes.data(), bytes.size());
  }
  void octet(std::uint8_t value) { raw({&value, 1}); }
  // Puts `bytes` in the place of as many bytes, `before_end` bytes before the end. They have to be there.
  void overwrite(std::size_t before_end, Bytes bytes) {
    std::memcpy(buffer_.data() + (buffer_.size() - before_end - bytes.size()), bytes.data(), bytes.size());
  }
  // Puts identifier and length bytes in front of the last `length` bytes.
  void header(std::uint8_t tag, std::size_t length);
  void element(std::uint8_t tag, Bytes content) {
    raw(content);
    header(tag, content.size());
  }
  // Closes an element whose content was written since size() was `mark`.
  void close(std::uint8_t tag, std::size_t mark) { header(tag, size() - mark); }

 private:
  void reserve(std::size_t more);

  ByteVector buffer_;
  std::size_t start_;
};

}  // namespace ocsp
