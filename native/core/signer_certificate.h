// A certificate whose key verifies signatures, and the bounded memory of those that were decoded lately.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "certificate.h"
#include "message_signature.h"
#include "openssl_ptr.h"
#include "plain_extensions.h"
#include "recent_cache.h"

namespace ocsp {

// Seconds since 1970-01-01; false when it is not a time.
bool seconds_of(const ASN1_TIME* time, std::int64_t& seconds);
// nullptr when it is not a Name.
X509NamePtr parse_name(Bytes der);
// Seconds since 1970-01-01. False when the certificate holds no such time.
bool read_validity(const X509* certificate, std::int64_t& not_before, std::int64_t& not_after);

// By what right somebody signed a response (RFC 6960 4.2.2.2). The numbers are those that JavaScript reads
// (lib/ocsp/basic-verify.ts).
enum class Authority : std::int32_t { kNone = 0, kCa = 1, kDelegate = 2, kTrusted = 3 };

class SignerCertificate {
 public:
  static Result<std::shared_ptr<SignerCertificate>> make(std::shared_ptr<const Certificate> certificate);

  const Certificate& certificate() const { return *certificate_; }
  const std::shared_ptr<const Certificate>& shared() const { return certificate_; }
  X509* get() const { return certificate_->get(); }
  Bytes bytes() const { return certificate_->der(); }
  // SHA-1 of the public key bits: how a ResponderID names it (RFC 6960 4.2.2.3).
  Bytes key_hash() const { return key_hash_; }
  // Seconds since 1970-01-01.
  std::int64_t not_before() const { return not_before_; }
  std::int64_t not_after() const { return not_after_; }
  // id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1)
  bool has_no_check() const { return has_no_check_; }
  // As OpenSSL has it: by basicConstraints, or by what stood for them once.
  bool is_ca() const { return is_ca_; }
  // OCSPSigning (RFC 6960 4.2.2.2). anyExtendedKeyUsage does not delegate.
  bool is_ocsp_signer() const { return is_ocsp_signer_; }
  // Whether the key usage, if there is one, allows signatures.
  bool may_sign() const { return may_sign_; }
  // Whether it is a CA's as far as revocation lists go: one without keyCertSign may sign them, too.
  bool is_list_authority() const { return is_list_authority_; }
  // Whether it allows revocation lists.
  bool may_sign_lists() const { return may_sign_lists_; }
  // Whether it allows certificates, and no extension is malformed.
  bool may_sign_certificates() const { return may_sign_certificates_; }
  SignatureVerifier& verifier() { return *verifier_; }

  // Whether the other is of the same subject and the same key: what a CA is, whichever of its certificates one has.
  bool is_same_entity(const X509* other) const;
  bool is_same_entity(const SignerCertificate& other) const;
  // Whether the signature of `certificate` was made with this key.
  bool has_signed(const Certificate& certificate);
  // Whether issuer_mismatch() (authority_info.h) is sure to find nothing about a certificate. False says nothing.
  bool has_plainly_issued(Bytes der);
  // Whether nothing about it is unusual.
  bool is_plain() const { return plain_.has_value(); }
  // Whether OpenSSL is sure to find valid, but for times, what of a path stands below this one as its anchor: a
  // delegate whose signature has no broken hash. False says nothing.
  bool is_plain_anchor_of(const SignerCertificate& delegate);

 private:
  explicit SignerCertificate(std::shared_ptr<const Certificate> certificate);
  bool read_plain();
  bool has_plainly_issued(const PlainCertificate& plain, Bytes authority_key_id, int* hash_bits);

  std::shared_ptr<const Certificate> certificate_;
  std::shared_ptr<SignatureVerifier> verifier_;  // never nullptr
  ByteVector key_hash_;
  std::int64_t not_before_ = 0;
  std::int64_t not_after_ = 0;
  ByteVector key_id_;  // subjectKeyIdentifier
  bool has_key_id_ = false;
  std::optional<PlainExtensions> plain_;  // where all of it is plain, and nothing but the usual is critical
  bool has_no_check_ = false;
  bool is_ca_ = false;
  bool is_ocsp_signer_ = false;
  bool may_sign_ = false;
  bool may_sign_lists_ = false;
  bool is_list_authority_ = false;
  bool may_sign_certificates_ = false;
  bool may_be_own_anchor_ = true;
};

// Decoding a certificate takes OpenSSL 3.0 longer than verifying a signature with it, and a responder sends the same
// one with every response. Keyed by the whole DER.
class CertificateCache {
 public:
  static CertificateCache& shared();

  // What was decoded before, or nullptr.
  std::shared_ptr<SignerCertificate> find(Bytes der);
  Result<std::shared_ptr<SignerCertificate>> decode(Bytes der);
  // The one for a certificate that is decoded already.
  Result<std::shared_ptr<SignerCertificate>> adopt(const std::shared_ptr<const Certificate>& certificate);
  std::size_t size() { return recent_.size(); }

  static constexpr std::size_t kMaxEntries = 512;
  static constexpr std::size_t kMaxOctets = 1048576;
  static constexpr std::size_t kMaxCertificateSize = 16384;

 private:
  Result<std::shared_ptr<SignerCertificate>> make(const std::shared_ptr<const Certificate>& certificate);

  RecentCache<SignerCertificate> recent_{kMaxEntries, kMaxOctets};
};

}  // namespace ocsp
