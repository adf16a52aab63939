#include "der_reader.h"

namespace ocsp {

namespace {
constexpr std::size_t kIndefinite = SIZE_MAX;

// Whether DER knows elements with this identifier byte. Of the universal ones, 0 is for end-of-contents (X.690
// 8.1.2.2), and constructed are SEQUENCE and SET only: strings in segments are BER (10.2).
bool is_der_identifier(std::uint8_t identifier) {
  if (identifier >= 0x40) return true;
  const bool constructed = (identifier & 0x20) != 0;
  const std::uint8_t number = identifier & 0x1f;
  return number != 0 && constructed == (number == 16 || number == 17);
}

}  // namespace

// On success `header` is the size of identifier and length bytes, and `length` bytes of content are there
// (or `length` is kIndefinite, in lenient mode only).
bool DerReader::read_header(std::size_t& header, std::size_t& length, const char* field) {
  const std::size_t available = static_cast<std::size_t>(end_ - position_);
  if (available < 2) return fail(field, "truncated");
  std::size_t at = 1;
  if ((position_[0] & 0x1f) == 0x1f) {
    // High tag numbers appear in open types only. DER: five bytes hold the 31 bits that OpenSSL takes. OpenSSL reads
    // (and keeps, inside names and certificates) any number of leading zeros.
    do {
      if (at >= available) return fail(field, "truncated");
      const bool too_large = at > 5 || (at == 5 && position_[1] > 0x87);
      if (!context_->lenient && too_large) return fail(field, "tag number too large");
    } while ((position_[at++] & 0x80) != 0);
    const bool minimal = position_[1] != 0x80 && position_[1] >= 0x1f;
    if (!context_->lenient && !minimal) return fail(field, "tag number not minimal");
    if (at >= available) return fail(field, "truncated");
  }
  const std::uint8_t first = position_[at++];
  if (first < 0x80) {
    length = first;
  } else if (first == 0x80) {
    if (!context_->lenient) return fail(field, "indefinite length");
    header = at;
    length = kIndefinite;
    return true;
  } else {
    std::size_t octets = first & 0x7f;
    if (!context_->lenient && octets > 4) return fail(field, "length too large");
    if (available - at < octets) return fail(field, "truncated");
    // Leading zeros, of which OpenSSL reads up to 126.
    for (; context_->lenient && octets != 0 && position_[at] == 0; --octets) ++at;
    if (octets > 4) return fail(field, "length too large");
    length = 0;
    for (std::size_t i = 0; i < octets; ++i) length = (length << 8) | position_[at + i];
    if (!context_->lenient && (position_[at] == 0 || length < 0x80)) return fail(field, "length not minimal");
    at += octets;
  }
  if (available - at < length) return fail(field, "truncated");
  header = at;
  return true;
}

// Moves past the content of an indefinite-length element, end-of-contents bytes included. Iterative: depth is hostile.
bool DerReader::skip_indefinite(const char* field) {
  std::size_t depth = 1;
  while (depth != 0) {
    std::size_t header = 0;
    std::size_t length = 0;
    if (!read_header(header, length, field)) return false;
    if (length == kIndefinite) {
      ++depth;
      position_ += header;
    } else {
      // End-of-contents is 00 00; 00 81 00 is an element, to OpenSSL at least.
      if (position_[0] == 0 && length == 0 && header == 2) --depth;
      position_ += header + length;
    }
  }
  return true;
}

bool DerReader::read_slowly(std::uint8_t tag, Bytes& content, const char* field) {
  if (at_end()) return fail(field, "missing");
  if (*position_ != tag) return fail(field, "unexpected tag");
  std::size_t header = 0;
  std::size_t length = 0;
  if (!read_header(header, length, field)) return false;
  if (length == kIndefinite) {
    const std::uint8_t* start = position_ + header;
    position_ = start;
    if (!skip_indefinite(field)) return false;
    content = {start, position_ - 2};
    return true;
  }
  return take(header, length, content);
}

bool DerReader::read_any(Bytes& element, const char* field) {
  const std::uint8_t* start = position_;
  std::size_t header = 0;
  std::size_t length = 0;
  if (!read_header(header, length, field)) return false;
  if (!context_->lenient && !is_der_identifier(*start)) return fail(field, "unexpected tag");
  position_ += header;
  if (length == kIndefinite) {
    if (!skip_indefinite(field)) return false;
  } else {
    position_ += length;
  }
  element = {start, position_};
  return true;
}

}  // namespace ocsp
