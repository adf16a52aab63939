#include "der_writer.h"

#include <algorithm>

namespace ocsp {

void DerWriter::header(std::uint8_t tag, std::size_t length) {
  if (length < 0x80) {
    octet(static_cast<std::uint8_t>(length));
  } else {
    std::uint8_t octets = 0;
    for (; length != 0; length >>= 8, ++octets) octet(static_cast<std::uint8_t>(length & 0xff));
    octet(0x80 | octets);
  }
  octet(tag);
}

void DerWriter::reserve(std::size_t more) {
  if (more <= start_) return;
  const std::size_t used = size();
  ByteVector larger(std::max(buffer_.size() * 2, used + more));
  const std::size_t start = larger.size() - used;
  std::memcpy(larger.data() + start, buffer_.data() + start_, used);
  buffer_ = std::move(larger);
  start_ = start;
}

}  // namespace ocsp
