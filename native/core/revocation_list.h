// A certificate revocation list (RFC 5280 section 5) and what it may say about whom. It is read and judged here, before
// OpenSSL sees it: its releases do not agree on which lists count as whole ones, it takes 400 bytes for an entry, and
// it hashes the list again for every verdict.
#pragma once

#include <array>
#include <mutex>
#include <vector>

#include "der_reader.h"
#include "openssl_ptr.h"
#include "signer_certificate.h"

namespace ocsp {

class RevocationList {
 public:
  // What becomes of entries that cannot be read: the list is refused, or there is a doubt about an entry.
  enum class BadEntries { kRefused, kDoubted };
  // Where lies what keeps "not listed" from meaning "not revoked": in the list, in that it is one part of what its
  // issuer has revoked, or in an entry.
  enum class Doubt : std::uint8_t { kList, kPart, kEntry };
  // One list in DER.
  static Result<std::shared_ptr<RevocationList>> parse(ByteVector der, BadEntries bad_entries = BadEntries::kRefused);
  // One list in DER, or every list of a PEM text.
  static Result<std::vector<std::shared_ptr<RevocationList>>> parse_all(ByteVector bytes);

  Bytes der() const { return der_; }
  // Seconds since 1970-01-01.
  std::int64_t this_update() const { return this_update_; }
  std::int64_t next_update() const { return next_update_; }  // INT64_MAX when absent

  // The first reason of a kind, or of all kinds; nullptr for none. A list without any is a whole one.
  const char* doubt(Doubt kind) const { return doubts_[static_cast<std::size_t>(kind)]; }
  const char* partial() const;
  // removeFromCRL belongs into delta lists alone; OpenSSL takes it for "good" in others, too.
  bool misuses_remove() const { return has_removed_ && !is_delta_; }

  // Whether it is of this CA by its name and key identifier.
  bool is_named(const SignerCertificate& issuer) const;
  // Why it does not speak for a CA that it names: signature, key usage. nullptr when it does. The answer is remembered
  // per key. An error says that OpenSSL could not tell.
  Result<const char*> mismatch(SignerCertificate& issuer, int least_hash_bits);
  // Whether the certificate with this serialNumber (content bytes) is listed as revoked. Asked of a list that speaks
  // for its CA.
  bool revokes(Bytes serial);

 private:
  // The end of a serial number, and where in `der_` its entry begins.
  struct Entry {
    std::uint64_t tail;
    std::uint32_t offset;
  };
  struct Verified {
    EvpPkeyPtr key;
    bool is_right;
    int hash_bits;
  };

  RevocationList() = default;
  bool read(DerContext& context, BadEntries bad_entries);
  bool read_revoked(DerReader list);
  bool read_entry_extensions(DerReader& entry, std::uint32_t offset);
  bool names_own_issuer(Bytes value) const;
  bool is_foreign(std::uint32_t offset) const;
  bool read_extensions(DerReader& list);
  void read_distribution_point(Bytes value);
  void doubt(Doubt kind, const char* why);
  void index();
  bool entry_revokes(std::uint32_t offset, Bytes serial) const;

  ByteVector der_;
  Bytes tbs_;  // this and what follows lies in `der_`
  Bytes algorithm_;
  Bytes signature_;  // whole bit string: unused bits, bits
  Bytes revoked_;
  X509NamePtr issuer_;
  AuthorityKeyIdPtr key_id_;
  std::int64_t this_update_ = 0;
  std::int64_t next_update_ = INT64_MAX;
  std::uint32_t count_ = 0;
  // Where the entries begin from which on certificates are of another issuer than the list, then of the list's own
  // again, and so on (RFC 5280 5.3.3).
  std::vector<std::uint32_t> turns_;
  std::array<const char*, 3> doubts_{};
  bool is_delta_ = false;
  bool has_removed_ = false;

  std::once_flag indexed_;
  std::vector<Entry> entries_;  // ascending
  std::mutex mutex_;            // guards what follows
  std::vector<Verified> verified_;
};

}  // namespace ocsp
