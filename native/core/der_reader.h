// A cursor over DER that allocates nothing. Strict by default: lengths are definite and minimal. The lenient form reads
// what OpenSSL's encoder gives back, in which names, certificates and open types keep the encoding they came in (BER).
#pragma once

#include <cstdint>

#include "bytes.h"

namespace ocsp {

namespace tag {
inline constexpr std::uint8_t kBoolean = 0x01;
inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kOctetString = 0x04;
inline constexpr std::uint8_t kNull = 0x05;
inline constexpr std::uint8_t kOid = 0x06;
inline constexpr std::uint8_t kEnumerated = 0x0a;
inline constexpr std::uint8_t kPrintableString = 0x13;
inline constexpr std::uint8_t kUtcTime = 0x17;
inline constexpr std::uint8_t kGeneralizedTime = 0x18;
inline constexpr std::uint8_t kUniversalString = 0x1c;
inline constexpr std::uint8_t kBmpString = 0x1e;
inline constexpr std::uint8_t kSequence = 0x30;
inline constexpr std::uint8_t kSet = 0x31;
constexpr std::uint8_t context(int number) { return static_cast<std::uint8_t>(0x80 | number); }
constexpr std::uint8_t explicit_context(int number) { return static_cast<std::uint8_t>(0xa0 | number); }
}  // namespace tag

// Where and why reading stopped. All text is static, so that a refusal costs nothing but itself.
struct DerFault {
  const char* field = nullptr;  // path in RFC 6960 / RFC 5280 names
  const char* reason = nullptr;
  std::size_t offset = 0;
};

// Encodings that are not DER, but that the field sends, that OpenSSL reads, and in which nothing is ambiguous. A closed
// list, of bits; JavaScript reads them (lib/ocsp/encodings.ts), and docs/verification.md says what each stands for.
enum class Encoding : std::uint32_t {
  kExplicitVersion = 1,
  kExplicitFalse = 2,
  kTrailingNul = 4,
  kFraction = 8,
  kPrintableString = 16,
  kSetOrder = 32,
  kNullParameters = 64,
  kUnusableCertificate = 128,
};

// Shared by all cursors of one message.
struct DerContext {
  const std::uint8_t* base;
  bool lenient = false;
  DerFault fault;
  bool field = false;           // strict, but for the encodings of the field
  std::uint32_t encodings = 0;  // those that were met

  // Whether an encoding may stand.
  bool takes(Encoding encoding) {
    if (field) encodings |= static_cast<std::uint32_t>(encoding);
    return field;
  }
  bool has(Encoding encoding) const { return (encodings & static_cast<std::uint32_t>(encoding)) != 0; }

  bool fail(const std::uint8_t* at, const char* field, const char* reason) {
    fault = {field, reason, static_cast<std::size_t>(at - base)};
    return false;
  }
};

class DerReader {
 public:
  DerReader() = default;
  DerReader(DerContext& context, Bytes bytes)
      : context_(&context), position_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool at_end() const { return position_ == end_; }
  // The next identifier byte; 0 (which no element that is asked for has) at the end.
  std::uint8_t peek() const { return at_end() ? 0 : *position_; }
  const std::uint8_t* position() const { return position_; }
  Bytes rest() const { return {position_, end_}; }
  DerContext& context() const { return *context_; }

  // Reads one element with this tag; `content` is what stands between its header and its end.
  bool read(std::uint8_t tag, Bytes& content, const char* field) {
    // Nearly every element of an OCSP message has a length of one byte, or of those that begin with 0x81 and 0x82:
    // those cases are worth having inline.
    const std::size_t available = static_cast<std::size_t>(end_ - position_);
    if (available >= 4 && position_[0] == tag) {
      if (position_[1] < 0x80 && position_[1] <= available - 2) return take(2, position_[1], content);
      if (position_[1] == 0x81 && position_[2] >= 0x80 && position_[2] <= available - 3) {
        return take(3, position_[2], content);
      }
      const std::size_t length = std::size_t{position_[2]} << 8 | position_[3];
      if (position_[1] == 0x82 && position_[2] != 0 && length <= available - 4) return take(4, length, content);
    }
    return read_slowly(tag, content, field);
  }
  // The same, for a constructed element that is read further.
  bool enter(std::uint8_t tag, DerReader& content, const char* field) {
    Bytes bytes;
    if (!read(tag, bytes, field)) return false;
    content = DerReader(*context_, bytes);
    return true;
  }
  // Reads one element of any tag, whole (header included).
  bool read_any(Bytes& element, const char* field);
  // Refuses what is left over.
  bool finish(const char* field) { return at_end() || fail(field, "trailing data"); }
  bool fail(const char* field, const char* reason) const { return context_->fail(position_, field, reason); }

 private:
  bool take(std::size_t header, std::size_t length, Bytes& content) {
    content = {position_ + header, length};
    position_ += header + length;
    return true;
  }
  bool read_slowly(std::uint8_t tag, Bytes& content, const char* field);
  bool read_header(std::size_t& header, std::size_t& length, const char* field);
  bool skip_indefinite(const char* field);

  DerContext* context_ = nullptr;
  const std::uint8_t* position_ = nullptr;
  const std::uint8_t* end_ = nullptr;
};

}  // namespace ocsp
