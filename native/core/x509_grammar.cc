#include "x509_grammar.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "asn1_time.h"

namespace ocsp {

namespace {

// Bounds the work that one OID can cause when it is printed or compared (CVE-2023-2650 was a 1 MB OID).
constexpr std::size_t kMaxOidOctets = 128;

bool is_minimal_integer(Bytes content) {
  if (content.empty()) return false;
  if (content.size() == 1) return true;
  const bool padded = (content[0] == 0x00 && content[1] < 0x80) || (content[0] == 0xff && content[1] >= 0x80);
  return !padded;
}

// What an algorithm's parameters may be.
enum class Parameters { kAny, kAbsent, kAbsentOrNull };

bool matches(Bytes oid, std::string_view prefix, std::initializer_list<int> last_arcs) {
  if (oid.size() != prefix.size() + 1) return false;
  if (std::memcmp(oid.data(), prefix.data(), prefix.size()) != 0) return false;
  return std::find(last_arcs.begin(), last_arcs.end(), oid.back()) != last_arcs.end();
}

// RFC 4055 2.1/5, RFC 5758 3, RFC 8410 3: hashes and RSA signatures have NULL parameters (absent is read as well),
// DSA, ECDSA and EdDSA signatures have none.
Parameters allowed_parameters(Bytes oid) {
  using namespace std::string_view_literals;
  if (matches(oid, "\x2b\x0e\x03\x02"sv, {0x1a, 0x1d})) return Parameters::kAbsentOrNull;  // SHA-1, sha1WithRSA
  if (matches(oid, "\x60\x86\x48\x01\x65\x03\x04\x02"sv, {1, 2, 3, 4, 7, 8, 9, 10})) return Parameters::kAbsentOrNull;
  if (matches(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01"sv, {1, 4, 5, 11, 12, 13, 14})) return Parameters::kAbsentOrNull;
  if (matches(oid, "\x60\x86\x48\x01\x65\x03\x04\x03"sv, {13, 14, 15, 16})) return Parameters::kAbsentOrNull;
  if (matches(oid, "\x60\x86\x48\x01\x65\x03\x04\x03"sv, {1, 2, 3, 4, 9, 10, 11, 12, 17, 18, 19})) {
    return Parameters::kAbsent;  // DSA, ECDSA with SHA-3, ML-DSA (RFC 9881 2)
  }
  if (matches(oid, "\x2a\x86\x48\xce\x3d\x04\x03"sv, {1, 2, 3, 4})) return Parameters::kAbsent;  // ecdsa-with-SHA2
  if (matches(oid, "\x2a\x86\x48\xce\x3d\x04"sv, {1})) return Parameters::kAbsent;               // ecdsa-with-SHA1
  if (matches(oid, "\x2a\x86\x48\xce\x38\x04"sv, {3})) return Parameters::kAbsent;               // dsa-with-SHA1
  if (matches(oid, "\x2b\x65"sv, {110, 111, 112, 113})) return Parameters::kAbsent;              // X/Ed 25519/448
  return Parameters::kAny;
}

// Of which OpenSSL does not look at the parameters.
bool is_ecdsa(Bytes oid) {
  using namespace std::string_view_literals;
  return matches(oid, "\x60\x86\x48\x01\x65\x03\x04\x03"sv, {9, 10, 11, 12}) ||
         matches(oid, "\x2a\x86\x48\xce\x3d\x04\x03"sv, {1, 2, 3, 4}) ||
         matches(oid, "\x2a\x86\x48\xce\x3d\x04"sv, {1});
}

// X.690 11.6: the elements of a SET OF ascend, the shorter one padded with zeros.
bool ascends(Bytes earlier, Bytes later) {
  const std::size_t common = std::min(earlier.size(), later.size());
  const int order = std::memcmp(earlier.data(), later.data(), common);
  if (order != 0) return order < 0;
  return std::all_of(earlier.begin() + static_cast<std::ptrdiff_t>(common), earlier.end(),
                     [](std::uint8_t octet) { return octet == 0; });
}

bool is_printable(Bytes text) {
  constexpr std::string_view kPunctuation = " '()+,-./:=?";
  return std::all_of(text.begin(), text.end(), [&](std::uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           kPunctuation.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// ASCII: what stands outside of it could be in any character set.
bool is_visible(Bytes text) {
  return std::all_of(text.begin(), text.end(), [](std::uint8_t c) { return c >= 0x20 && c <= 0x7e; });
}

// BMPString: UTF-16BE with well-formed surrogate pairs.
bool is_bmp(Bytes text) {
  if (text.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::uint8_t high = text[i] & 0xfc;
    if (high == 0xdc) return false;
    if (high == 0xd8) {
      i += 2;
      if (i >= text.size() || (text[i] & 0xfc) != 0xdc) return false;
    }
  }
  return true;
}

// UniversalString: UTF-32BE of scalar values.
bool is_universal(Bytes text) {
  if (text.size() % 4 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::uint32_t c = (std::uint32_t{text[i]} << 24) | (std::uint32_t{text[i + 1]} << 16) |
                            (std::uint32_t{text[i + 2]} << 8) | text[i + 3];
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return false;
  }
  return true;
}

bool read_attribute_value(DerReader& in, const char* field) {
  const std::uint8_t type = in.peek();
  Bytes text;
  switch (type) {
    case tag::kPrintableString:
      return in.read(type, text, field) &&
             (is_printable(text) || (is_visible(text) && in.context().takes(Encoding::kPrintableString)) ||
              in.fail(field, "invalid PrintableString"));
    case tag::kBmpString:
      return in.read(type, text, field) && (is_bmp(text) || in.fail(field, "invalid BMPString"));
    case tag::kUniversalString:
      return in.read(type, text, field) && (is_universal(text) || in.fail(field, "invalid UniversalString"));
    default:
      return in.read_any(text, field);
  }
}

bool read_time(DerReader& in, const char* field) {
  Bytes text;
  if (in.peek() != tag::kUtcTime) return read_generalized_time(in, text, field);
  return in.read(tag::kUtcTime, text, field) && (is_utc_time(text) || in.fail(field, "invalid UTCTime"));
}

bool read_extension(DerReader& list, const char* field) {
  DerReader extension;
  Bytes bytes;
  if (!list.enter(tag::kSequence, extension, field) || !read_oid(extension, bytes, field)) return false;
  if (extension.peek() == tag::kBoolean) {
    if (!extension.read(tag::kBoolean, bytes, field)) return false;
    if (bytes.size() != 1) return extension.fail(field, "invalid BOOLEAN");
    if (bytes[0] == 0x00 && !extension.context().takes(Encoding::kExplicitFalse)) {
      return extension.fail(field, "explicit default value: critical FALSE");
    }
    if (bytes[0] != 0x00 && bytes[0] != 0xff) return extension.fail(field, "invalid BOOLEAN");
  }
  return extension.read(tag::kOctetString, bytes, field) && extension.finish(field);
}

bool read_extension_list(DerReader list, const char* field) {
  while (!list.at_end()) {
    if (!read_extension(list, field)) return false;
  }
  return true;
}

}  // namespace

bool read_integer(DerReader& in, std::uint8_t tag, Bytes& content, const char* field) {
  if (!in.read(tag, content, field)) return false;
  return is_minimal_integer(content) || in.context().lenient || in.fail(field, "integer is empty or not minimal");
}

bool read_enumerated(DerReader& in, std::int32_t& value, const char* field) {
  Bytes content;
  if (!read_integer(in, tag::kEnumerated, content, field)) return false;
  value = -2;
  if (!content.empty() && content[0] < 0x80 && content.size() <= 4) {
    value = 0;
    for (const std::uint8_t octet : content) value = static_cast<std::int32_t>((value << 8) | octet);
  }
  return value >= 0 || in.context().lenient || in.fail(field, "ENUMERATED out of range");
}

bool read_default_version(DerReader& in, const char* field) {
  if (in.peek() != tag::explicit_context(0)) return true;
  DerReader wrapped;
  Bytes version;
  if (!in.enter(tag::explicit_context(0), wrapped, field)) return false;
  if (in.context().lenient) return true;
  if (!read_integer(wrapped, tag::kInteger, version, field) || !wrapped.finish(field)) return false;
  if (version.size() == 1 && version[0] == 0) {
    return in.context().takes(Encoding::kExplicitVersion) || in.fail(field, "explicit default value: version v1");
  }
  return in.fail(field, "unknown version");
}

bool read_oid(DerReader& in, Bytes& content, const char* field) {
  if (!in.read(tag::kOid, content, field)) return false;
  if (in.context().lenient) return true;
  if (content.empty() || content.size() > kMaxOidOctets) return in.fail(field, "OBJECT IDENTIFIER of unusable length");
  if ((content.back() & 0x80) != 0) return in.fail(field, "OBJECT IDENTIFIER ends inside an arc");
  bool arc_starts = true;
  for (const std::uint8_t octet : content) {
    if (arc_starts && octet == 0x80) return in.fail(field, "OBJECT IDENTIFIER arc not minimal");
    arc_starts = (octet & 0x80) == 0;
  }
  return true;
}

bool read_bit_string(DerReader& in, std::uint8_t tag, Bytes& bits, const char* field) {
  Bytes content;
  if (!in.read(tag, content, field)) return false;
  if (content.empty()) return in.fail(field, "empty BIT STRING");
  const std::uint8_t unused = content[0];
  bits = content.subspan(1);
  if (in.context().lenient) return true;
  if (unused > 7 || (unused != 0 && bits.empty())) return in.fail(field, "invalid number of unused bits");
  if (unused != 0 && (bits.back() & ((1U << unused) - 1)) != 0) return in.fail(field, "unused bits are not zero");
  return true;
}

bool read_generalized_time(DerReader& in, Bytes& text, const char* field) {
  if (!in.read(tag::kGeneralizedTime, text, field)) return false;
  if (in.context().lenient || is_generalized_time(text)) return true;
  if (is_fractional_time(text) && in.context().takes(Encoding::kFraction)) {
    text = text.first(14);
    return true;
  }
  return in.fail(field, "GeneralizedTime is not a date of the form YYYYMMDDHHMMSSZ");
}

bool read_algorithm_identifier(DerReader& in, Bytes& element, Bytes& oid, const char* field) {
  const std::uint8_t* start = in.position();
  DerReader algorithm;
  if (!in.enter(tag::kSequence, algorithm, field)) return false;
  element = {start, in.position()};
  if (!read_oid(algorithm, oid, field)) return false;
  if (in.context().lenient || algorithm.at_end()) return true;
  switch (allowed_parameters(oid)) {
    case Parameters::kAbsent: {
      const Bytes null = algorithm.rest();
      const bool is_null = null.size() == 2 && null[0] == tag::kNull && null[1] == 0;
      if (is_null && is_ecdsa(oid) && algorithm.context().takes(Encoding::kNullParameters)) return true;
      return algorithm.fail(field, "parameters of an algorithm that has none");
    }
    case Parameters::kAbsentOrNull: {
      Bytes null;
      if (algorithm.peek() != tag::kNull) return algorithm.fail(field, "parameters are neither absent nor NULL");
      if (!algorithm.read(tag::kNull, null, field)) return false;
      if (!null.empty()) return algorithm.fail(field, "invalid NULL");
      break;
    }
    case Parameters::kAny: {
      Bytes parameters;
      if (!algorithm.read_any(parameters, field)) return false;
      break;
    }
  }
  return algorithm.finish(field);
}

bool read_name(DerReader& in, Bytes& element, const char* field) {
  const std::uint8_t* start = in.position();
  // OpenSSL keeps the encoding that a Name came in, so in lenient mode its inside may be BER.
  if (in.context().lenient) return in.read_any(element, field);
  DerReader rdns;
  if (!in.enter(tag::kSequence, rdns, field)) return false;
  while (!rdns.at_end()) {
    DerReader set;
    Bytes previous;
    if (!rdns.enter(tag::kSet, set, field)) return false;
    while (!set.at_end()) {
      const std::uint8_t* attribute_start = set.position();
      DerReader attribute;
      Bytes type;
      if (!set.enter(tag::kSequence, attribute, field) || !read_oid(attribute, type, field) ||
          !read_attribute_value(attribute, field) || !attribute.finish(field)) {
        return false;
      }
      const Bytes whole = {attribute_start, set.position()};
      if (!previous.empty() && !ascends(previous, whole) && !set.context().takes(Encoding::kSetOrder)) {
        return set.fail(field, "SET OF is not in DER order");
      }
      previous = whole;
    }
  }
  element = {start, in.position()};
  return true;
}

bool read_general_name(DerReader& in, Bytes& element, const char* field) {
  const std::uint8_t* start = in.position();
  if (in.context().lenient) return in.read_any(element, field);
  const std::uint8_t type = in.peek();
  Bytes bytes;
  DerReader content;
  switch (type) {
    case tag::explicit_context(0):  // otherName
      if (!in.enter(type, content, field) || !read_oid(content, bytes, field)) return false;
      {
        DerReader value;
        if (!content.enter(tag::explicit_context(0), value, field) || !value.read_any(bytes, field) ||
            !value.finish(field) || !content.finish(field)) {
          return false;
        }
      }
      break;
    case tag::explicit_context(3):  // x400Address
    case tag::explicit_context(5):  // ediPartyName
    case tag::context(1):           // rfc822Name
    case tag::context(2):           // dNSName
    case tag::context(6):           // uniformResourceIdentifier
    case tag::context(7):           // iPAddress
    case tag::context(8):           // registeredID
      if (!in.read(type, bytes, field)) return false;
      break;
    case tag::explicit_context(4):  // directoryName
      if (!in.enter(type, content, field) || !read_name(content, bytes, field) || !content.finish(field)) return false;
      break;
    default:
      return in.fail(field, "not a GeneralName");
  }
  element = {start, in.position()};
  return true;
}

bool read_optional_extensions(DerReader& in, int number, Bytes& content, bool& present, const char* field) {
  present = in.peek() == tag::explicit_context(number);
  if (!present) return true;
  DerReader wrapped;
  DerReader list;
  if (!in.enter(tag::explicit_context(number), wrapped, field) || !wrapped.enter(tag::kSequence, list, field) ||
      !wrapped.finish(field)) {
    return false;
  }
  content = list.rest();
  return in.context().lenient || read_extension_list(list, field);
}

bool read_certificate(DerReader& in, const char* field) {
  Bytes element;
  // OpenSSL keeps the encoding that a certificate came in.
  if (in.context().lenient) return in.read_any(element, field);
  DerReader certificate;
  DerReader tbs;
  Bytes bytes;
  Bytes oid;
  if (!in.enter(tag::kSequence, certificate, field) || !certificate.enter(tag::kSequence, tbs, field)) return false;
  if (tbs.peek() == tag::explicit_context(0)) {
    DerReader wrapped;
    Bytes version;
    if (!tbs.enter(tag::explicit_context(0), wrapped, field) || !read_integer(wrapped, tag::kInteger, version, field) ||
        !wrapped.finish(field)) {
      return false;
    }
    if (version.size() != 1 || version[0] >= 0x80) return tbs.fail(field, "certificate version out of range");
    if (version[0] == 0 && !tbs.context().takes(Encoding::kExplicitVersion)) {
      return tbs.fail(field, "explicit default value: certificate version v1");
    }
  }
  if (!read_integer(tbs, tag::kInteger, bytes, field) || !read_algorithm_identifier(tbs, element, oid, field) ||
      !read_name(tbs, element, field)) {
    return false;
  }
  DerReader validity;
  if (!tbs.enter(tag::kSequence, validity, field) || !read_time(validity, field) || !read_time(validity, field) ||
      !validity.finish(field) || !read_name(tbs, element, field)) {
    return false;
  }
  DerReader key_info;
  if (!tbs.enter(tag::kSequence, key_info, field) || !read_algorithm_identifier(key_info, element, oid, field) ||
      !read_bit_string(key_info, tag::kBitString, bytes, field) || !key_info.finish(field)) {
    return false;
  }
  for (const int number : {1, 2}) {  // issuerUniqueID, subjectUniqueID
    Bytes id;
    if (tbs.peek() == tag::context(number) && !read_bit_string(tbs, tag::context(number), id, field)) return false;
  }
  Bytes extensions;
  bool present = false;
  if (!read_optional_extensions(tbs, 3, extensions, present, field) || !tbs.finish(field)) return false;
  Bytes signature;
  return read_algorithm_identifier(certificate, element, oid, field) &&
         read_bit_string(certificate, tag::kBitString, signature, field) && certificate.finish(field);
}

}  // namespace ocsp
