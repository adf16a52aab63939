#include "signer_oracle.h"

#include <openssl/x509v3.h>

#include <algorithm>

#include "core/error_queue.h"
#include "fixtures.h"

namespace oracle {

using namespace ocsp;

namespace {

bool is_name(Bytes read, const X509_NAME* name) {
  const unsigned char* der = nullptr;
  std::size_t length = 0;
  return X509_NAME_get0_der(name, &der, &length) == 1 && std::ranges::equal(read, Bytes(der, length));
}

bool is_integer(Bytes content, const ASN1_INTEGER* number) {
  const ByteVector der = fixtures::encoded(number, i2d_ASN1_INTEGER);
  const auto size = static_cast<int>(content.size());
  return ASN1_object_size(0, size, V_ASN1_INTEGER) == static_cast<int>(der.size()) &&
         std::ranges::equal(content, Bytes(der).last(content.size()));
}

std::string compare_parts(const Certificate& read, X509* x509) {
  if (X509_cmp(read.get(), x509) != 0) return "decoded later, it is another one";
  if (!is_integer(read.serial(), X509_get0_serialNumber(x509))) return "serial number";
  if (!is_name(read.subject(), X509_get_subject_name(x509))) return "subject";
  if (!is_name(read.issuer(), X509_get_issuer_name(x509))) return "issuer";
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(x509);
  const Bytes expected(ASN1_STRING_get0_data(bits), static_cast<std::size_t>(ASN1_STRING_length(bits)));
  if (!std::ranges::equal(read.public_key_bits(), expected)) return "key bits";
  EVP_PKEY* key = X509_get0_pubkey(x509);
  EVP_PKEY* own = read.public_key();
  if (key == nullptr || own == nullptr) return key == own ? "" : "a key that can be used";
  if (EVP_PKEY_eq(key, own) != 1) return "key";
  return read.public_key_type() == std::string(EVP_PKEY_get0_type_name(key)) ? "" : "key type";
}

}  // namespace

std::string judge_signer(const SignerCertificate& signer) {
  ErrorQueueScope quiet;
  const Bytes der = signer.certificate().der();
  const unsigned char* in = der.data();
  const X509Ptr decoded(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
  if (!decoded || in != der.data() + der.size()) return "OpenSSL does not take it";
  X509* x509 = decoded.get();
  std::string parts = compare_parts(signer.certificate(), x509);
  if (!parts.empty()) return parts;
  std::int64_t from = 0;
  std::int64_t until = 0;
  if (!read_validity(x509, from, until)) return "no times";
  const bool is_ca = X509_check_ca(x509) != 0;
  const std::uint32_t flags = X509_get_extension_flags(x509);
  const std::uint32_t usage = (flags & EXFLAG_KUSAGE) == 0 ? UINT32_MAX : X509_get_key_usage(x509);
  const std::uint32_t purposes = (flags & EXFLAG_XKUSAGE) == 0 ? 0 : X509_get_extended_key_usage(x509);
  const bool is_sound = (flags & (EXFLAG_INVALID | EXFLAG_NO_FINGERPRINT)) == 0;
  const struct {
    bool is_same;
    const char* what;
  } rows[] = {
      {signer.not_before() == from, "notBefore"},
      {signer.not_after() == until, "notAfter"},
      {signer.is_ca() == is_ca, "CA"},
      {signer.has_no_check() == (X509_get_ext_by_NID(x509, NID_id_pkix_OCSP_noCheck, -1) >= 0), "nocheck"},
      {signer.is_ocsp_signer() == ((purposes & XKU_OCSP_SIGN) != 0), "OCSPSigning"},
      {signer.may_sign() == ((usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0), "signatures"},
      {signer.may_sign_lists() == ((usage & KU_CRL_SIGN) != 0), "cRLSign"},
      {signer.is_list_authority() == (is_ca || (flags & (EXFLAG_CA | EXFLAG_INVALID)) == EXFLAG_CA), "list authority"},
      {signer.may_sign_certificates() == (is_sound && (usage & KU_KEY_CERT_SIGN) != 0), "keyCertSign"},
      {!signer.is_plain() || (is_sound && (flags & (EXFLAG_CRITICAL | EXFLAG_PROXY)) == 0),
       "unusual, and called plain"},
  };
  for (const auto& [is_same, what] : rows) {
    if (!is_same) return what;
  }
  return {};
}

}  // namespace oracle
