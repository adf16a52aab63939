#include "plain_certificate.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "asn1_time.h"
#include "x509_grammar.h"

namespace ocsp {

namespace {

using namespace std::string_view_literals;

// What is longer is left to OpenSSL.
constexpr std::size_t kMaxSize = 65536;

bool is_ascii(Bytes text) {
  return std::ranges::all_of(text, [](std::uint8_t octet) { return octet < 0x80; });
}

// UTF-8 of characters below U+D800, which all Latin, Greek, Cyrillic and most other text is.
bool is_usual_utf8(Bytes text) {
  const auto continues = [&](std::size_t at) { return at < text.size() && (text[at] & 0xc0) == 0x80; };
  for (std::size_t i = 0; i < text.size();) {
    const std::uint8_t first = text[i];
    if (first < 0x80) {
      i += 1;
    } else if (first >= 0xc2 && first < 0xe0 && continues(i + 1)) {
      i += 2;
    } else if (first >= 0xe0 && first < 0xed && continues(i + 1) && continues(i + 2) &&
               (first != 0xe0 || text[i + 1] >= 0xa0)) {
      i += 3;
    } else {
      return false;
    }
  }
  return true;
}

// The strings whose characters OpenSSL need not convert to compare names, or converts without fail.
bool is_plain_text(std::uint8_t type, Bytes text) {
  constexpr std::uint8_t kUtf8String = 0x0c;
  constexpr std::uint8_t kIa5String = 0x16;
  const bool is_known = type == tag::kPrintableString || type == kUtf8String || type == kIa5String;
  return is_known && !text.empty() && (is_ascii(text) || (type == kUtf8String && is_usual_utf8(text)));
}

// Name, of which x509_grammar.h has read the frame. No attribute is empty, or of an unusual type.
bool is_plain_name(DerContext& context, Bytes element) {
  DerReader in(context, element);
  DerReader rdns;
  if (!in.enter(tag::kSequence, rdns, "")) return false;
  while (!rdns.at_end()) {
    DerReader set;
    if (!rdns.enter(tag::kSet, set, "") || set.at_end()) return false;
    while (!set.at_end()) {
      DerReader attribute;
      Bytes oid;
      Bytes text;
      if (!set.enter(tag::kSequence, attribute, "") || !read_oid(attribute, oid, "")) return false;
      const std::uint8_t type = attribute.peek();
      if (!attribute.read(type, text, "") || !is_plain_text(type, text)) return false;
    }
  }
  return true;
}

// RSA with PKCS #1 v1.5 and SHA-1 or SHA-2, ECDSA, EdDSA, ML-DSA. (RSASSA-PSS has parameters to be judged.)
bool is_plain_signature(std::string_view oid) {
  constexpr std::array kRsa = {'\x05', '\x0b', '\x0c', '\x0d', '\x0e'};
  if (oid.empty()) return false;
  const char last = oid.back();
  const std::string_view arc = oid.substr(0, oid.size() - 1);
  if (arc == "\x2a\x86\x48\x86\xf7\x0d\x01\x01"sv) return std::ranges::find(kRsa, last) != kRsa.end();
  if (arc == "\x2a\x86\x48\xce\x3d\x04"sv) return last == 1;
  if (arc == "\x2a\x86\x48\xce\x3d\x04\x03"sv) return last >= 1 && last <= 4;
  if (arc == "\x2b\x65"sv) return last == 0x70 || last == 0x71;
  return arc == "\x60\x86\x48\x01\x65\x03\x04\x03"sv && last >= 0x11 && last <= 0x13;
}

bool read_signature_algorithm(DerReader& in, Bytes& element) {
  Bytes oid;
  return read_algorithm_identifier(in, element, oid, "") && is_plain_signature(view_of(oid));
}

// Of the key: no parameters, NULL, or the OBJECT IDENTIFIER of a curve.
bool read_key_info(DerReader& in, Bytes& bits) {
  DerReader info;
  DerReader algorithm;
  Bytes bytes;
  if (!in.enter(tag::kSequence, info, "") || !info.enter(tag::kSequence, algorithm, "") ||
      !read_oid(algorithm, bytes, "")) {
    return false;
  }
  if (algorithm.peek() == tag::kOid) {
    if (!read_oid(algorithm, bytes, "")) return false;
  } else if (algorithm.peek() == tag::kNull) {
    if (!algorithm.read(tag::kNull, bytes, "") || !bytes.empty()) return false;
  }
  return algorithm.finish("") && read_bit_string(info, tag::kBitString, bits, "") && info.finish("");
}

// As RFC 5280 4.1.2.5 has them; what else is in their place has no number here. OpenSSL decodes no shorter texts
// from 3.5 on.
constexpr std::size_t kUtcTimeSize = 13;
constexpr std::size_t kGeneralizedTimeSize = 15;

bool read_plain_time(DerReader& in, std::optional<std::int64_t>& seconds) {
  Bytes text;
  if (in.peek() == tag::kUtcTime) {
    if (!in.read(tag::kUtcTime, text, "") || text.size() < kUtcTimeSize) return false;
    if (text.size() == kUtcTimeSize && is_utc_time(text)) seconds = seconds_of_utc_time(text);
    return true;
  }
  if (!in.read(tag::kGeneralizedTime, text, "") || text.size() < kGeneralizedTimeSize) return false;
  if (is_generalized_time(text)) seconds = seconds_of_generalized_time(text);
  return true;
}

}  // namespace

bool read_plain_name(DerReader& in, Bytes& element) {
  return read_name(in, element, "") && is_plain_name(in.context(), element);
}

std::optional<PlainCertificate> read_plain_certificate(Bytes der) {
  if (der.size() > kMaxSize) return std::nullopt;
  // Node looks for PEM text first, in whatever bytes.
  if (view_of(der).find("-----BEGIN") != std::string_view::npos) return std::nullopt;
  DerContext context{der.data(), false, {}, true};
  DerReader in(context, der);
  DerReader outer;
  DerReader tbs;
  DerReader part;
  PlainCertificate plain;
  Bytes bytes;
  if (!in.enter(tag::kSequence, outer, "") || !in.at_end()) return std::nullopt;
  const std::uint8_t* start = outer.position();
  if (!outer.enter(tag::kSequence, tbs, "")) return std::nullopt;
  plain.tbs = {start, outer.position()};
  if (tbs.peek() == tag::explicit_context(0) &&
      (!tbs.enter(tag::explicit_context(0), part, "") || !read_integer(part, tag::kInteger, bytes, "") ||
       !part.at_end() || bytes.size() != 1 || bytes[0] > 2)) {
    return std::nullopt;
  }
  plain.version = bytes.empty() ? 0 : bytes[0];
  if (!read_integer(tbs, tag::kInteger, plain.serial, "") || !read_signature_algorithm(tbs, plain.algorithm) ||
      !read_plain_name(tbs, plain.issuer) || !tbs.enter(tag::kSequence, part, "") ||
      !read_plain_time(part, plain.not_before) || !read_plain_time(part, plain.not_after) || !part.at_end() ||
      !read_plain_name(tbs, plain.subject)) {
    return std::nullopt;
  }
  start = tbs.position();
  if (!read_key_info(tbs, plain.public_key_bits)) return std::nullopt;
  plain.public_key = {start, tbs.position()};
  bool present = false;
  if (!read_optional_extensions(tbs, 3, plain.extensions, present, "") || !tbs.at_end() || outer.peek() == 0 ||
      !outer.read_any(bytes, "") || !std::ranges::equal(bytes, plain.algorithm) ||
      !outer.read(tag::kBitString, bytes, "") || !outer.at_end() || bytes.empty() || bytes[0] != 0) {
    return std::nullopt;
  }
  plain.signature = bytes.subspan(1);
  return plain;
}

}  // namespace ocsp
