#include "authority_info.h"

#include <openssl/x509v3.h>

#include "error_queue.h"
#include "openssl_ptr.h"

namespace ocsp {

OcspLocations ocsp_locations(const Certificate& certificate) {
  ErrorQueueScope errors;
  OcspLocations locations;
  X509* x509 = certificate.get();
  // (X509_get_ext_d2i tells neither a second extension nor one that cannot be read from none.)
  for (int at = -1; (at = X509_get_ext_by_NID(x509, NID_info_access, at)) >= 0;) {
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(X509_get_ext(x509, at));
    const unsigned char* next = ASN1_STRING_get0_data(value);
    const unsigned char* end = next + ASN1_STRING_length(value);
    const AuthorityInfoPtr info(d2i_AUTHORITY_INFO_ACCESS(nullptr, &next, ASN1_STRING_length(value)));
    if (!info || next != end) locations.has_others = true;
    for (int i = 0; info && i < sk_ACCESS_DESCRIPTION_num(info.get()); ++i) {
      const ACCESS_DESCRIPTION* description = sk_ACCESS_DESCRIPTION_value(info.get(), i);
      if (OBJ_obj2nid(description->method) != NID_ad_OCSP) continue;
      int type = 0;
      const auto* text = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(description->location, &type));
      if (type == GEN_URI && text != nullptr) {
        locations.urls.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                    static_cast<std::size_t>(ASN1_STRING_length(text)));
      } else {
        locations.has_others = true;
      }
    }
  }
  return locations;
}

std::optional<std::string> issuer_mismatch(const Certificate& certificate, const Certificate& issuer) {
  ErrorQueueScope errors;
  const int result = X509_check_issued(issuer.get(), certificate.get());
  switch (result) {
    case X509_V_OK:
      break;
    case X509_V_ERR_NO_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM:
      return std::nullopt;
    case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
      // Another certificate of the CA, or another CA: the key tells. OpenSSL has not come to the key usage then.
      if ((X509_get_key_usage(issuer.get()) & KU_KEY_CERT_SIGN) != 0) break;
      return X509_verify_cert_error_string(X509_V_ERR_KEYUSAGE_NO_CERTSIGN);
    default:
      return X509_verify_cert_error_string(result);
  }
  // Without key identifiers, CAs that share a name are told apart by their keys alone.
  EVP_PKEY* key = issuer.public_key();
  const int verified = key == nullptr ? -1 : X509_verify(certificate.get(), key);
  if (verified < 0) return std::nullopt;
  return verified == 1 ? "" : "its key did not sign the certificate";
}

}  // namespace ocsp
