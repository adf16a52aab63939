#include "revocation_list.h"

#include <openssl/pem.h>

#include <algorithm>
#include <climits>
#include <optional>

#include "error_queue.h"
#include "pem.h"
#include "x509_grammar.h"

namespace ocsp {

namespace {

// Of the OIDs 2.5.29.n, in which all extensions are that have a meaning here.
constexpr std::uint8_t kReasonCode = 21;
constexpr std::uint8_t kDeltaCrlIndicator = 27;
constexpr std::uint8_t kIssuingDistributionPoint = 28;
constexpr std::uint8_t kCertificateIssuer = 29;
constexpr std::uint8_t kAuthorityKeyIdentifier = 35;
constexpr std::uint8_t kRemoveFromCrl = 8;
constexpr std::size_t kMaxVerifiedKeys = 4;
constexpr std::size_t kMaxListExtensions = 64;

// n of an OID 2.5.29.n; 0 for any other.
std::uint8_t certificate_extension(Bytes oid) {
  return oid.size() == 3 && oid[0] == 0x55 && oid[1] == 0x1d ? oid[2] : 0;
}

struct ExtensionParts {
  Bytes oid;
  bool critical = false;
  Bytes value;
};

bool read_extension_parts(DerReader& list, ExtensionParts& parts, const char* field) {
  DerReader extension;
  Bytes flag;
  if (!list.enter(tag::kSequence, extension, field) || !read_oid(extension, parts.oid, field)) return false;
  parts.critical = extension.peek() == tag::kBoolean;
  if (parts.critical) {
    if (!extension.read(tag::kBoolean, flag, field)) return false;
    parts.critical = flag.size() != 1 || flag[0] != 0;
  }
  return extension.read(tag::kOctetString, parts.value, field) && extension.finish(field);
}

// The value of a reasonCode extension; -1 when it is none.
int reason_of(Bytes value) {
  return value.size() == 3 && value[0] == tag::kEnumerated && value[1] == 1 && value[2] < 0x80 ? value[2] : -1;
}

bool is_time(std::uint8_t tag) { return tag == tag::kUtcTime || tag == tag::kGeneralizedTime; }

// A Time; `unreadable` for what is not a date.
bool read_seconds(DerReader& in, std::int64_t& seconds, std::int64_t unreadable, const char* field) {
  Bytes element;
  if (!is_time(in.peek())) return in.fail(field, in.at_end() ? "missing" : "unexpected tag");
  if (!in.read_any(element, field)) return false;
  ErrorQueueScope errors;
  const unsigned char* at = element.data();
  const Asn1StringPtr time(d2i_ASN1_TIME(nullptr, &at, static_cast<long>(element.size())));
  if (!seconds_of(time.get(), seconds)) seconds = unreadable;
  return true;
}

// The last bytes as a number: what tells serial numbers apart, whether they count or are random.
std::uint64_t tail_of(Bytes serial) {
  std::uint64_t tail = 0;
  for (const std::uint8_t octet : serial.last(std::min<std::size_t>(serial.size(), 8))) tail = tail << 8 | octet;
  return tail;
}

Error malformed() { return {ErrorCode::kMalformed, "a certificate revocation list cannot be parsed"}; }

}  // namespace

Result<std::shared_ptr<RevocationList>> RevocationList::parse(ByteVector der, BadEntries bad_entries) {
  if (der.size() > INT_MAX) return malformed();
  std::shared_ptr<RevocationList> list(new RevocationList);
  list->der_ = std::move(der);
  DerContext context{list->der_.data(), false, {}};
  if (list->read(context, bad_entries)) return list;
  Error error = malformed();
  error.message.append(": ").append(context.fault.reason).append(" (").append(context.fault.field).append(", byte ");
  error.message.append(std::to_string(context.fault.offset)).append(")");
  return error;
}

Result<std::vector<std::shared_ptr<RevocationList>>> RevocationList::parse_all(ByteVector bytes) {
  std::vector<std::shared_ptr<RevocationList>> lists;
  const auto add = [&](ByteVector der) -> std::optional<Error> {
    auto list = parse(std::move(der));
    if (!list.ok()) return list.error();
    lists.push_back(std::move(list.value()));
    return std::nullopt;
  };
  if (bytes.empty() || bytes.size() > INT_MAX) return malformed();
  if (bytes[0] == tag::kSequence) {
    if (auto error = add(std::move(bytes))) return *error;
    return lists;
  }
  auto blocks = read_pem(bytes);
  if (!blocks.ok()) return blocks.error();
  for (PemBlock& block : blocks.value()) {
    if (block.name != PEM_STRING_X509_CRL) continue;
    if (auto error = add(std::move(block.der))) return *error;
  }
  if (lists.empty()) return malformed();
  return lists;
}

// The first reason stays.
void RevocationList::doubt(Doubt kind, const char* why) {
  const char*& first = doubts_[static_cast<std::size_t>(kind)];
  if (first == nullptr) first = why;
}

const char* RevocationList::partial() const {
  const auto* const found = std::ranges::find_if(doubts_, [](const char* why) { return why != nullptr; });
  return found == doubts_.end() ? nullptr : *found;
}

bool RevocationList::read(DerContext& context, BadEntries bad_entries) {
  DerReader in(context, der_);
  DerReader outer;
  DerReader tbs;
  Bytes bytes;
  if (!in.enter(tag::kSequence, outer, "CertificateList") || !in.finish("CertificateList")) return false;
  const std::uint8_t* start = outer.position();
  if (!outer.enter(tag::kSequence, tbs, "tbsCertList")) return false;
  tbs_ = {start, outer.position()};
  if (!outer.read_any(algorithm_, "signatureAlgorithm") || !outer.read(tag::kBitString, signature_, "signatureValue") ||
      !outer.finish("CertificateList")) {
    return false;
  }
  if (tbs.peek() == tag::kInteger) {
    if (!read_integer(tbs, tag::kInteger, bytes, "version")) return false;
    if (bytes.size() != 1 || bytes[0] != 1) doubt(Doubt::kList, "its version is unknown");
  }
  if (!tbs.read_any(bytes, "signature")) return false;
  // RFC 5280 5.1.1.2: both are the same. No signature is right then.
  if (!std::ranges::equal(bytes, algorithm_)) signature_ = {};
  if (!tbs.read_any(bytes, "issuer")) return false;
  issuer_ = parse_name(bytes);
  if (!issuer_) return tbs.fail("issuer", "not a Name");
  if (!read_seconds(tbs, this_update_, INT64_MAX, "thisUpdate")) return false;
  if (is_time(tbs.peek()) && !read_seconds(tbs, next_update_, INT64_MIN, "nextUpdate")) return false;
  if (tbs.peek() == tag::kSequence) {
    DerReader revoked;
    if (!tbs.enter(tag::kSequence, revoked, "revokedCertificates")) return false;
    revoked_ = revoked.rest();
    if (!read_revoked(revoked)) {
      if (bad_entries == BadEntries::kRefused) return false;
      doubt(Doubt::kEntry, "an entry cannot be read");
    }
  }
  if (tbs.peek() == tag::explicit_context(0)) {
    DerReader wrapped;
    DerReader list;
    if (!tbs.enter(tag::explicit_context(0), wrapped, "crlExtensions") ||
        !wrapped.enter(tag::kSequence, list, "crlExtensions") || !wrapped.finish("crlExtensions") ||
        !read_extensions(list)) {
      return false;
    }
  }
  if (misuses_remove()) doubt(Doubt::kEntry, "it has an entry removeFromCRL, which only a delta list may");
  return tbs.finish("tbsCertList");
}

bool RevocationList::read_revoked(DerReader list) {
  constexpr const char* kField = "revokedCertificates";
  DerReader entry;
  Bytes bytes;
  for (; !list.at_end(); ++count_) {
    const auto offset = static_cast<std::uint32_t>(list.position() - der_.data());
    if (!list.enter(tag::kSequence, entry, kField) || !read_integer(entry, tag::kInteger, bytes, kField)) return false;
    if (!is_time(entry.peek())) return entry.fail(kField, "no revocationDate");
    if (!entry.read_any(bytes, kField) || (!entry.at_end() && !read_entry_extensions(entry, offset))) {
      return false;
    }
  }
  return true;
}

// `offset`: where the entry begins.
bool RevocationList::read_entry_extensions(DerReader& entry, std::uint32_t offset) {
  constexpr const char* kField = "crlEntryExtensions";
  DerReader extensions;
  if (!entry.enter(tag::kSequence, extensions, kField) || !entry.finish(kField)) return false;
  bool has_reason = false;
  while (!extensions.at_end()) {
    ExtensionParts parts;
    if (!read_extension_parts(extensions, parts, kField)) return false;
    const std::uint8_t kind = certificate_extension(parts.oid);
    if (kind == kCertificateIssuer) {
      if (names_own_issuer(parts.value) == is_foreign(offset)) turns_.push_back(offset);
      doubt(Doubt::kEntry, "it lists certificates of other issuers");
    } else if (parts.critical) {
      doubt(Doubt::kEntry, "an extension of an entry is critical and not understood");
    }
    if (kind != kReasonCode) continue;
    const int reason = reason_of(parts.value);
    if (reason < 0 || has_reason) doubt(Doubt::kEntry, "a reason code cannot be read");
    has_reason = true;
    if (reason == kRemoveFromCrl) has_removed_ = true;
  }
  return true;
}

// Whether a certificateIssuer is that of the list.
bool RevocationList::names_own_issuer(Bytes value) const {
  DerContext context{value.data(), false, {}};
  DerReader in(context, value);
  DerReader names;
  if (!in.enter(tag::kSequence, names, "")) return false;
  while (!names.at_end()) {
    const bool is_directory_name = names.peek() == tag::explicit_context(4);
    Bytes bytes;
    if (!is_directory_name) {
      if (!names.read_any(bytes, "")) return false;
      continue;
    }
    if (!names.read(tag::explicit_context(4), bytes, "")) return false;
    const X509NamePtr name = parse_name(bytes);
    if (name && X509_NAME_cmp(issuer_.get(), name.get()) == 0) return true;
  }
  return false;
}

// Whether an entry is about a certificate of another issuer: an odd number of turns before it.
bool RevocationList::is_foreign(std::uint32_t offset) const {
  return (std::ranges::upper_bound(turns_, offset) - turns_.begin()) % 2 != 0;
}

bool RevocationList::read_extensions(DerReader& list) {
  std::vector<Bytes> seen;
  while (!list.at_end()) {
    ExtensionParts parts;
    if (!read_extension_parts(list, parts, "crlExtensions")) return false;
    // Each costs a comparison with all the others.
    if (seen.size() == kMaxListExtensions) return list.fail("crlExtensions", "too many");
    if (std::ranges::any_of(seen, [&](Bytes oid) { return std::ranges::equal(oid, parts.oid); })) {
      doubt(Doubt::kList, "it has an extension twice");
    }
    seen.push_back(parts.oid);
    switch (certificate_extension(parts.oid)) {
      case kDeltaCrlIndicator:
        is_delta_ = true;
        doubt(Doubt::kList, "it is a delta list");
        break;
      case kIssuingDistributionPoint:
        read_distribution_point(parts.value);
        break;
      case kAuthorityKeyIdentifier: {
        ErrorQueueScope errors;
        const unsigned char* at = parts.value.data();
        key_id_.reset(d2i_AUTHORITY_KEYID(nullptr, &at, static_cast<long>(parts.value.size())));
        if (!key_id_ || at != parts.value.data() + parts.value.size())
          doubt(Doubt::kList, "its key identifier cannot be read");
        break;
      }
      default:
        if (parts.critical) doubt(Doubt::kList, "an extension is critical and not understood");
    }
  }
  return true;
}

// RFC 5280 5.2.5. Each element takes something away; one that says FALSE is not DER, and counts as there.
void RevocationList::read_distribution_point(Bytes value) {
  DerContext context{value.data(), false, {}};
  DerReader in(context, value);
  DerReader point;
  if (!in.enter(tag::kSequence, point, "") || !in.at_end())
    return doubt(Doubt::kList, "its distribution point cannot be read");
  while (!point.at_end()) {
    Bytes element;
    const std::uint8_t kind = point.peek();
    if (!point.read_any(element, "")) return doubt(Doubt::kList, "its distribution point cannot be read");
    switch (kind) {
      case tag::explicit_context(0):
        doubt(Doubt::kPart, "it is that of one distribution point");
        break;
      case tag::context(1):
        doubt(Doubt::kPart, "it is for certificates of users only");
        break;
      case tag::context(2):
        doubt(Doubt::kPart, "it is for certificates of CAs only");
        break;
      case tag::context(3):
        doubt(Doubt::kList, "it is for some reasons only");
        break;
      case tag::context(4):
        doubt(Doubt::kList, "it lists certificates of other issuers");
        break;
      case tag::context(5):
        doubt(Doubt::kPart, "it is for attribute certificates only");
        break;
      default:
        doubt(Doubt::kList, "its distribution point cannot be read");
    }
  }
}

bool RevocationList::is_named(const SignerCertificate& issuer) const {
  if (X509_NAME_cmp(issuer_.get(), X509_get_subject_name(issuer.get())) != 0) return false;
  const int result = key_id_ ? X509_check_akid(issuer.get(), key_id_.get()) : X509_V_OK;
  // A CA may have several certificates for its key; the signature tells whether it is that key.
  return result == X509_V_OK || result == X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH;
}

Result<const char*> RevocationList::mismatch(SignerCertificate& issuer, int least_hash_bits) {
  constexpr const char* kForged = "its key did not sign the list";
  if (!issuer.is_list_authority()) return "it is not a CA";
  if (!issuer.may_sign_lists()) return "its key usage does not allow to sign revocation lists";
  if (signature_.empty() || signature_[0] != 0) return kForged;
  EVP_PKEY* key = issuer.certificate().public_key();
  if (key == nullptr) {
    return Error{ErrorCode::kUnsupportedAlgorithm, "OpenSSL cannot use the key of the list's issuer"};
  }
  ErrorQueueScope errors;
  const auto judge = [&](const Verified& verified) -> const char* {
    if (!verified.is_right) return kForged;
    const int least = std::max(least_hash_bits, kUnbrokenHashBits);
    return verified.hash_bits >= 0 && verified.hash_bits < least ? "the hash of its signature is too weak" : nullptr;
  };
  // Held while the signature is verified: a second thread that asks for the same waits, rather than do it again.
  const std::lock_guard lock(mutex_);
  for (const Verified& verified : verified_) {
    if (EVP_PKEY_eq(verified.key.get(), key) == 1) return judge(verified);
  }
  int hash_bits = -1;
  const auto right = issuer.verifier().verify(algorithm_, tbs_, signature_.subspan(1), &hash_bits);
  if (!right.ok()) return right.error();
  if (EVP_PKEY_up_ref(key) != 1) return errors.take(ErrorCode::kOpenssl, "out of memory");
  if (verified_.size() == kMaxVerifiedKeys) verified_.erase(verified_.begin());
  verified_.push_back({EvpPkeyPtr(key), right.value(), hash_bits});
  return judge(verified_.back());
}

void RevocationList::index() {
  entries_.reserve(count_);
  DerContext context{der_.data(), false, {}};
  DerReader list(context, revoked_);
  DerReader entry;
  Bytes serial;
  while (!list.at_end()) {
    const auto offset = static_cast<std::uint32_t>(list.position() - der_.data());
    if (!list.enter(tag::kSequence, entry, "") || !entry.read(tag::kInteger, serial, "")) return;
    entries_.push_back({tail_of(serial), offset});
  }
  const auto by_tail = [](const Entry& one, const Entry& other) { return one.tail < other.tail; };
  std::sort(entries_.begin(), entries_.end(), by_tail);
}

// Whether the entry is about this certificate and, unless it says removeFromCRL, revokes it.
bool RevocationList::entry_revokes(std::uint32_t offset, Bytes serial) const {
  DerContext context{der_.data(), false, {}};
  DerReader in(context, Bytes(der_).subspan(offset));
  DerReader entry;
  DerReader extensions;
  Bytes own;
  Bytes date;
  if (!in.enter(tag::kSequence, entry, "") || !entry.read(tag::kInteger, own, "")) return false;
  if (!std::ranges::equal(own, serial)) return false;
  if (!has_removed_ || !entry.read_any(date, "") || entry.at_end()) return true;
  ExtensionParts parts;
  entry.enter(tag::kSequence, extensions, "");
  while (!extensions.at_end() && read_extension_parts(extensions, parts, "")) {
    if (certificate_extension(parts.oid) == kReasonCode) return reason_of(parts.value) != kRemoveFromCrl;
  }
  return true;
}

bool RevocationList::revokes(Bytes serial) {
  std::call_once(indexed_, [this] { index(); });
  const std::uint64_t tail = tail_of(serial);
  auto at = std::lower_bound(entries_.begin(), entries_.end(), tail,
                             [](const Entry& entry, std::uint64_t value) { return entry.tail < value; });
  for (; at != entries_.end() && at->tail == tail; ++at) {
    if (!is_foreign(at->offset) && entry_revokes(at->offset, serial)) return true;
  }
  return false;
}

}  // namespace ocsp
