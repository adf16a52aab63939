#include "plain_extensions.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "plain_certificate.h"
#include "x509_grammar.h"

namespace ocsp {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMaxExtensions = 32;

// OpenSSL's own readers of these, run when it is first asked about a certificate, find nothing wrong.
bool read_usage(Bytes value, DerContext& context, PlainExtensions& read) {
  DerReader in(context, value);
  Bytes bits;
  if (!read_bit_string(in, tag::kBitString, bits, "") || !in.at_end() || bits.empty() || bits.size() > 2 ||
      bits[0] == 0) {
    return false;
  }
  read.key_usage = bits[0];
  return true;
}

bool read_constraints(Bytes value, DerContext& context, PlainExtensions& read) {
  DerReader in(context, value);
  DerReader constraints;
  Bytes bytes;
  read.has_constraints = true;
  if (!in.enter(tag::kSequence, constraints, "") || !in.at_end()) return false;
  if (constraints.at_end()) return true;
  if (!constraints.read(tag::kBoolean, bytes, "") || bytes.size() != 1) return false;
  if (bytes[0] == 0x00) return constraints.at_end();
  if (bytes[0] != 0xff) return false;
  read.is_ca = true;
  if (constraints.at_end()) return true;
  return constraints.read(tag::kInteger, bytes, "") && bytes.size() == 1 && bytes[0] < 0x80 && constraints.at_end();
}

bool read_purposes(Bytes value, DerContext& context, PlainExtensions& read) {
  DerReader in(context, value);
  DerReader purposes;
  if (!in.enter(tag::kSequence, purposes, "") || !in.at_end() || purposes.at_end()) return false;
  while (!purposes.at_end()) {
    Bytes oid;
    if (!read_oid(purposes, oid, "")) return false;
    if (view_of(oid) == "\x2b\x06\x01\x05\x05\x07\x03\x09"sv) read.is_ocsp_signer = true;
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

bool read_key_id(Bytes value, DerContext& context, Bytes& id) {
  DerReader in(context, value);
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

// Those that OpenSSL knows how to honour where they are critical, among those that are read here.
bool may_be_critical(std::string_view oid) {
  return oid == "\x55\x1d\x0f"sv || oid == "\x55\x1d\x11"sv || oid == "\x55\x1d\x13"sv || oid == "\x55\x1d\x25"sv;
}

bool read_plain_extension(std::string_view oid, Bytes value, DerContext& context, PlainExtensions& read) {
  if (oid == "\x55\x1d\x0e"sv) return read_key_id(value, context, read.subject_key_id);
  if (oid == "\x55\x1d\x0f"sv) return read_usage(value, context, read);
  if (oid == "\x55\x1d\x11"sv) return is_plain_alternative_name(value, context);
  if (oid == "\x55\x1d\x13"sv) return read_constraints(value, context, read);
  if (oid == "\x55\x1d\x1f"sv) return are_plain_points(value, context);
  if (oid == "\x55\x1d\x23"sv) return read_authority_key_id(value, context, read.authority_key_id);
  if (oid == "\x55\x1d\x25"sv) return read_purposes(value, context, read);
  if (oid == "\x2b\x06\x01\x05\x05\x07\x30\x01\x05"sv) read.has_no_check = true;
  return std::ranges::find(kUnread, oid) != kUnread.end() ||
         std::ranges::none_of(kOpensslArcs, [&](std::string_view arc) { return oid.starts_with(arc); });
}

}  // namespace

std::optional<PlainExtensions> read_plain_extensions(Bytes extensions) {
  DerContext context{extensions.data(), false, {}};
  DerReader list(context, extensions);
  std::array<std::string_view, kMaxExtensions> met;
  std::size_t count = 0;
  PlainExtensions read;
  while (!list.at_end()) {
    DerReader extension;
    Bytes oid;
    Bytes critical;
    Bytes value;
    if (count == kMaxExtensions || !list.enter(tag::kSequence, extension, "") || !read_oid(extension, oid, "") ||
        (extension.peek() == tag::kBoolean && !extension.read(tag::kBoolean, critical, "")) ||
        !extension.read(tag::kOctetString, value, "")) {
      return std::nullopt;
    }
    const std::string_view name = view_of(oid);
    const auto end = met.begin() + count;
    if (std::find(met.begin(), end, name) != end) return std::nullopt;
    met[count++] = name;
    if (!read_plain_extension(name, value, context, read)) return std::nullopt;
    const bool is_critical = !critical.empty() && critical[0] != 0;
    if (is_critical && !may_be_critical(name)) read.has_unusual_critical = true;
  }
  return read;
}

}  // namespace ocsp
