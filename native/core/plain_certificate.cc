#include "plain_certificate.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "error_queue.h"
#include "x509_grammar.h"

namespace ocsp {

namespace {

using namespace std::string_view_literals;

// What is longer is left to OpenSSL.
constexpr std::size_t kMaxSize = 65536;
constexpr std::size_t kMaxExtensions = 32;

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

bool read_plain_name(DerReader& in, Bytes& element) {
  return read_name(in, element, "") && is_plain_name(in.context(), element);
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

bool read_plain_time(DerReader& in) {
  Bytes text;
  return in.peek() == tag::kUtcTime ? in.read(tag::kUtcTime, text, "") : in.read(tag::kGeneralizedTime, text, "");
}

// OpenSSL's own readers of these, run when it is first asked about a certificate, find nothing wrong.
bool is_plain_usage(Bytes value, DerContext& context) {
  DerReader in(context, value);
  Bytes bits;
  return read_bit_string(in, tag::kBitString, bits, "") && in.at_end() && (bits.size() == 1 || bits.size() == 2) &&
         bits[0] != 0;
}

bool is_plain_constraints(Bytes value, DerContext& context) {
  DerReader in(context, value);
  DerReader constraints;
  Bytes bytes;
  if (!in.enter(tag::kSequence, constraints, "") || !in.at_end()) return false;
  if (constraints.at_end()) return true;
  if (!constraints.read(tag::kBoolean, bytes, "") || bytes.size() != 1) return false;
  if (bytes[0] == 0x00) return constraints.at_end();
  if (bytes[0] != 0xff) return false;
  if (constraints.at_end()) return true;
  return constraints.read(tag::kInteger, bytes, "") && bytes.size() == 1 && bytes[0] < 0x80 && constraints.at_end();
}

bool is_plain_purposes(Bytes value, DerContext& context) {
  DerReader in(context, value);
  DerReader purposes;
  if (!in.enter(tag::kSequence, purposes, "") || !in.at_end() || purposes.at_end()) return false;
  while (!purposes.at_end()) {
    Bytes oid;
    if (!read_oid(purposes, oid, "")) return false;
  }
  return true;
}

// Names of which OpenSSL decodes no more than the frame.
bool are_plain_names(DerReader names) {
  if (names.at_end()) return false;
  while (!names.at_end()) {
    const std::uint8_t type = names.peek();
    DerReader directory;
    Bytes bytes;
    if (type == tag::explicit_context(4)) {
      if (!names.enter(type, directory, "") || !read_plain_name(directory, bytes) || !directory.at_end()) return false;
    } else if (type == tag::context(1) || type == tag::context(2) || type == tag::context(6) ||
               type == tag::context(7)) {
      if (!names.read(type, bytes, "")) return false;
    } else {
      return false;
    }
  }
  return true;
}

bool is_plain_alternative_name(Bytes value, DerContext& context) {
  DerReader in(context, value);
  DerReader names;
  return in.enter(tag::kSequence, names, "") && in.at_end() && are_plain_names(names);
}

// Points with a fullName, and nothing else.
bool are_plain_points(Bytes value, DerContext& context) {
  DerReader in(context, value);
  DerReader points;
  if (!in.enter(tag::kSequence, points, "") || !in.at_end() || points.at_end()) return false;
  while (!points.at_end()) {
    DerReader point;
    DerReader name;
    DerReader names;
    if (!points.enter(tag::kSequence, point, "") || !point.enter(tag::explicit_context(0), name, "") ||
        !point.at_end() || !name.enter(tag::explicit_context(0), names, "") || !name.at_end() ||
        !are_plain_names(names)) {
      return false;
    }
  }
  return true;
}

bool is_plain_key_id(Bytes value, DerContext& context) {
  DerReader in(context, value);
  Bytes id;
  return in.read(tag::kOctetString, id, "") && in.at_end();
}

// A keyIdentifier alone, or nothing.
bool read_authority_key_id(Bytes value, DerContext& context, Bytes& id) {
  DerReader in(context, value);
  DerReader authority;
  return in.enter(tag::kSequence, authority, "") && in.at_end() &&
         (authority.at_end() || authority.read(tag::context(0), id, "")) && authority.at_end();
}

// Extensions of these arcs are OpenSSL's business, but for those that are named below: id-ce, id-pe, Netscape's.
constexpr std::array kOpensslArcs = {"\x55\x1d"sv, "\x2b\x06\x01\x05\x05\x07\x01"sv, "\x60\x86\x48\x01\x86\xf8\x42"sv};
// It does not look into these when it judges who issued a certificate: subjectDirectoryAttributes, issuerAltName,
// certificatePolicies, freshestCRL; authorityInfoAccess, qcStatements, TLS feature.
constexpr std::array kUnread = {"\x55\x1d\x09"sv,
                                "\x55\x1d\x12"sv,
                                "\x55\x1d\x20"sv,
                                "\x2b\x06\x01\x05\x05\x07\x01\x01"sv,
                                "\x2b\x06\x01\x05\x05\x07\x01\x03"sv,
                                "\x2b\x06\x01\x05\x05\x07\x01\x18"sv};

bool is_plain_extension(std::string_view oid, Bytes value, DerContext& context, Bytes& authority_key_id) {
  if (oid == "\x55\x1d\x0e"sv) return is_plain_key_id(value, context);
  if (oid == "\x55\x1d\x0f"sv) return is_plain_usage(value, context);
  if (oid == "\x55\x1d\x11"sv) return is_plain_alternative_name(value, context);
  if (oid == "\x55\x1d\x13"sv) return is_plain_constraints(value, context);
  if (oid == "\x55\x1d\x1f"sv) return are_plain_points(value, context);
  if (oid == "\x55\x1d\x23"sv) return read_authority_key_id(value, context, authority_key_id);
  if (oid == "\x55\x1d\x25"sv) return is_plain_purposes(value, context);
  return std::ranges::find(kUnread, oid) != kUnread.end() ||
         std::ranges::none_of(kOpensslArcs, [&](std::string_view arc) { return oid.starts_with(arc); });
}

// Each once, and none of them malformed, or of a kind that changes what others mean.
bool are_plain_extensions(Bytes extensions, Bytes& authority_key_id) {
  DerContext context{extensions.data(), false, {}};
  DerReader list(context, extensions);
  std::array<std::string_view, kMaxExtensions> met;
  std::size_t count = 0;
  while (!list.at_end()) {
    DerReader extension;
    Bytes oid;
    Bytes bytes;
    if (count == kMaxExtensions || !list.enter(tag::kSequence, extension, "") || !read_oid(extension, oid, "") ||
        (extension.peek() == tag::kBoolean && !extension.read(tag::kBoolean, bytes, "")) ||
        !extension.read(tag::kOctetString, bytes, "")) {
      return false;
    }
    const std::string_view name = view_of(oid);
    const auto end = met.begin() + count;
    if (std::find(met.begin(), end, name) != end) return false;
    met[count++] = name;
    if (!is_plain_extension(name, bytes, context, authority_key_id)) return false;
  }
  return true;
}

}  // namespace

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
  if (!read_integer(tbs, tag::kInteger, plain.serial, "") || !read_signature_algorithm(tbs, plain.algorithm) ||
      !read_plain_name(tbs, plain.issuer) || !tbs.enter(tag::kSequence, part, "") || !read_plain_time(part) ||
      !read_plain_time(part) || !part.at_end() || !read_plain_name(tbs, plain.subject) ||
      !read_key_info(tbs, plain.public_key_bits)) {
    return std::nullopt;
  }
  bool present = false;
  if (!read_optional_extensions(tbs, 3, plain.extensions, present, "") || !tbs.at_end() || outer.peek() == 0 ||
      !outer.read_any(bytes, "") || !std::ranges::equal(bytes, plain.algorithm) ||
      !outer.read(tag::kBitString, bytes, "") || !outer.at_end() || bytes.empty() || bytes[0] != 0) {
    return std::nullopt;
  }
  plain.signature = bytes.subspan(1);
  return plain;
}

bool is_plainly_issued_by(Bytes der, SignerCertificate& issuer) {
  const auto plain = read_plain_certificate(der);
  Bytes authority_key_id;
  if (!plain || !std::ranges::equal(plain->issuer, issuer.certificate().subject()) ||
      !are_plain_extensions(plain->extensions, authority_key_id)) {
    return false;
  }
  X509* x509 = issuer.get();
  if ((X509_get_extension_flags(x509) & (EXFLAG_INVALID | EXFLAG_NO_FINGERPRINT)) != 0 ||
      (X509_get_key_usage(x509) & KU_KEY_CERT_SIGN) == 0) {
    return false;
  }
  const ASN1_OCTET_STRING* key_id = X509_get0_subject_key_id(x509);
  if (authority_key_id.data() != nullptr && key_id != nullptr &&
      !std::ranges::equal(authority_key_id,
                          Bytes(ASN1_STRING_get0_data(key_id), static_cast<std::size_t>(ASN1_STRING_length(key_id))))) {
    return false;
  }
  ErrorQueueScope errors;
  const auto verified = issuer.verifier().verify(plain->algorithm, plain->tbs, plain->signature);
  return verified.ok() && verified.value();
}

}  // namespace ocsp
