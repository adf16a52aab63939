#include "signer_certificate.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "asn1_time.h"
#include "der_reader.h"
#include "digest.h"
#include "error_queue.h"

namespace ocsp {

bool seconds_of(const ASN1_TIME* time, std::int64_t& seconds) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return false;
  seconds =
      seconds_of_date(parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return true;
}

X509NamePtr parse_name(Bytes der) {
  const ErrorQueueScope quiet;
  const unsigned char* in = der.data();
  return X509NamePtr(d2i_X509_NAME(nullptr, &in, static_cast<long>(der.size())));
}

bool read_validity(const X509* certificate, std::int64_t& not_before, std::int64_t& not_after) {
  return seconds_of(X509_get0_notBefore(certificate), not_before) &&
         seconds_of(X509_get0_notAfter(certificate), not_after);
}

SignerCertificate::SignerCertificate(std::shared_ptr<const Certificate> certificate)
    : certificate_(std::move(certificate)) {
  const auto key = certificate_->plain_key();
  verifier_ = key ? std::shared_ptr<SignatureVerifier>(key, &key->verifier())
                  : std::make_shared<SignatureVerifier>(certificate_->public_key());
}

Result<std::shared_ptr<SignerCertificate>> SignerCertificate::make(std::shared_ptr<const Certificate> certificate) {
  ErrorQueueScope errors;
  std::shared_ptr<SignerCertificate> signer(new SignerCertificate(std::move(certificate)));
  auto key_hash = digest("SHA1", signer->certificate_->public_key_bits());
  if (!key_hash.ok()) return key_hash.error();
  signer->key_hash_ = std::move(key_hash.value());
  if (signer->read_plain()) return signer;
  X509* x509 = signer->get();
  if (!read_validity(x509, signer->not_before_, signer->not_after_)) {
    return errors.take(ErrorCode::kMalformed, "the certificate's validity cannot be read");
  }
  signer->has_no_check_ = X509_get_ext_by_NID(x509, NID_id_pkix_OCSP_noCheck, -1) >= 0;
  signer->is_ca_ = X509_check_ca(x509) != 0;
  const std::uint32_t flags = X509_get_extension_flags(x509);
  // anyExtendedKeyUsage has a bit of its own.
  signer->is_ocsp_signer_ = (flags & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(x509) & XKU_OCSP_SIGN) != 0;
  const std::uint32_t usage = (flags & EXFLAG_KUSAGE) == 0 ? UINT32_MAX : X509_get_key_usage(x509);
  signer->may_sign_ = (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
  signer->may_sign_lists_ = (usage & KU_CRL_SIGN) != 0;
  signer->is_list_authority_ = signer->is_ca_ || (flags & (EXFLAG_CA | EXFLAG_INVALID)) == EXFLAG_CA;
  signer->may_sign_certificates_ =
      (flags & (EXFLAG_INVALID | EXFLAG_NO_FINGERPRINT)) == 0 && (usage & KU_KEY_CERT_SIGN) != 0;
  if (const ASN1_OCTET_STRING* key_id = X509_get0_subject_key_id(x509)) {
    const unsigned char* data = ASN1_STRING_get0_data(key_id);
    signer->key_id_.assign(data, data + ASN1_STRING_length(key_id));
    signer->has_key_id_ = true;
  }
  return signer;
}

namespace {

// Whether OpenSSL may take it for signed by itself: it compares names whatever their case, spaces and encoding, and
// key identifiers where there are both.
bool may_be_self_signed(const Certificate& certificate, const PlainExtensions& extensions) {
  if (std::ranges::equal(certificate.subject(), certificate.issuer())) return true;
  const Bytes own = extensions.subject_key_id;
  const Bytes issuers = extensions.authority_key_id;
  if (own.data() != nullptr && issuers.data() != nullptr && !std::ranges::equal(own, issuers)) return false;
  const auto subject = parse_name(certificate.subject());
  const auto issuer = parse_name(certificate.issuer());
  return !subject || !issuer || X509_NAME_cmp(subject.get(), issuer.get()) == 0;
}

}  // namespace

// All that make() asks OpenSSL for, as OpenSSL says it.
bool SignerCertificate::read_plain() {
  const auto& plain = certificate_->plain();
  if (!plain || plain->version != 2 || !plain->not_before || !plain->not_after || !certificate_->plain_key()) {
    return false;
  }
  const auto read = read_plain_extensions(plain->extensions);
  if (!read || read->has_unusual_critical) return false;
  const std::uint32_t usage = read->key_usage ? *read->key_usage : UINT32_MAX;
  const bool signs_certificates = (usage & KU_KEY_CERT_SIGN) != 0;
  // OpenSSL takes it for a CA by its key usage.
  if (read->key_usage && signs_certificates && !read->has_constraints) return false;
  plain_ = read;
  not_before_ = *plain->not_before;
  not_after_ = *plain->not_after;
  key_id_.assign(read->subject_key_id.begin(), read->subject_key_id.end());
  has_key_id_ = read->subject_key_id.data() != nullptr;
  has_no_check_ = read->has_no_check;
  is_ca_ = read->is_ca && signs_certificates;
  is_ocsp_signer_ = read->is_ocsp_signer;
  may_sign_ = (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
  may_sign_lists_ = (usage & KU_CRL_SIGN) != 0;
  is_list_authority_ = read->is_ca;
  may_sign_certificates_ = signs_certificates;
  // Asked of delegates only.
  may_be_own_anchor_ = !is_ocsp_signer_ || may_be_self_signed(*certificate_, *read);
  return true;
}

bool SignerCertificate::is_same_entity(const SignerCertificate& other) const {
  if (this == &other) return true;
  const auto key = certificate_->plain_key();
  const auto other_key = other.certificate_->plain_key();
  if (key && other_key && !std::ranges::equal(key->bytes(), other_key->bytes())) return false;
  return is_same_entity(other.get());
}

bool SignerCertificate::has_plainly_issued(Bytes der) {
  const auto plain = read_plain_certificate(der);
  if (!plain) return false;
  const auto extensions = read_plain_extensions(plain->extensions);
  return extensions && has_plainly_issued(*plain, extensions->authority_key_id, nullptr);
}

bool SignerCertificate::has_plainly_issued(const PlainCertificate& plain, Bytes authority_key_id, int* hash_bits) {
  if (!std::ranges::equal(plain.issuer, certificate_->subject()) || !may_sign_certificates_) return false;
  if (authority_key_id.data() != nullptr && has_key_id_ && !std::ranges::equal(authority_key_id, key_id_)) return false;
  ErrorQueueScope errors;
  const auto verified = verifier_->verify(plain.algorithm, plain.tbs, plain.signature, hash_bits);
  return verified.ok() && verified.value();
}

bool SignerCertificate::is_plain_anchor_of(const SignerCertificate& delegate) {
  if (!plain_ || !delegate.plain_ || !is_ca_ || delegate.may_be_own_anchor_) return false;
  int hash_bits = -1;
  return has_plainly_issued(*delegate.certificate_->plain(), delegate.plain_->authority_key_id, &hash_bits) &&
         (hash_bits < 0 || hash_bits >= kUnbrokenHashBits);
}

bool SignerCertificate::is_same_entity(const X509* other) const {
  if (other == get()) return true;
  if (X509_NAME_cmp(X509_get_subject_name(get()), X509_get_subject_name(other)) != 0) return false;
  EVP_PKEY* own_key = certificate_->public_key();
  EVP_PKEY* other_key = X509_get0_pubkey(other);
  return own_key != nullptr && other_key != nullptr && EVP_PKEY_eq(own_key, other_key) == 1;
}

bool SignerCertificate::has_signed(const Certificate& certificate) {
  DerContext context{certificate.der().data(), true, {}};
  DerReader in(context, certificate.der());
  DerReader outer;
  Bytes tbs;
  Bytes algorithm;
  Bytes bits;
  if (!in.enter(tag::kSequence, outer, "") || !outer.read_any(tbs, "") || !outer.read_any(algorithm, "") ||
      !outer.read(tag::kBitString, bits, "") || bits.empty() || bits[0] != 0) {
    return false;
  }
  const auto verified = verifier_->verify(algorithm, tbs, bits.subspan(1));
  return verified.ok() && verified.value();
}

CertificateCache& CertificateCache::shared() {
  // Never destroyed: threads may verify while the process exits.
  static CertificateCache& cache = *new CertificateCache;
  return cache;
}

std::shared_ptr<SignerCertificate> CertificateCache::find(Bytes der) { return recent_.find(der); }

Result<std::shared_ptr<SignerCertificate>> CertificateCache::decode(Bytes der) {
  if (auto known = find(der)) return known;
  auto certificate = Certificate::parse(der);
  if (!certificate.ok()) return certificate.error();
  return make(certificate.value());
}

Result<std::shared_ptr<SignerCertificate>> CertificateCache::adopt(
    const std::shared_ptr<const Certificate>& certificate) {
  if (auto known = find(certificate->der())) return known;
  return make(certificate);
}

Result<std::shared_ptr<SignerCertificate>> CertificateCache::make(
    const std::shared_ptr<const Certificate>& certificate) {
  auto signer = SignerCertificate::make(certificate);
  if (signer.ok() && certificate->der().size() <= kMaxCertificateSize) recent_.keep(signer.value());
  return signer;
}

}  // namespace ocsp
