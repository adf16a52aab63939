#include "authority_info.h"

#include "error_queue.h"
#include "verify_ptr.h"

namespace ocsp {

std::vector<std::string> ocsp_urls(const Certificate& certificate) {
  ErrorQueueScope errors;
  std::vector<std::string> urls;
  const AuthorityInfoPtr info(
      static_cast<AUTHORITY_INFO_ACCESS*>(X509_get_ext_d2i(certificate.get(), NID_info_access, nullptr, nullptr)));
  for (int i = 0; info && i < sk_ACCESS_DESCRIPTION_num(info.get()); ++i) {
    const ACCESS_DESCRIPTION* description = sk_ACCESS_DESCRIPTION_value(info.get(), i);
    if (OBJ_obj2nid(description->method) != NID_ad_OCSP) continue;
    int type = 0;
    const auto* text = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(description->location, &type));
    if (type != GEN_URI || text == nullptr) continue;
    urls.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return urls;
}

std::string issuer_mismatch(const Certificate& certificate, const Certificate& issuer) {
  ErrorQueueScope errors;
  const int result = X509_check_issued(issuer.get(), certificate.get());
  if (result != X509_V_OK) return X509_verify_cert_error_string(result);
  // Without key identifiers, CAs that share a name are told apart by their keys alone.
  EVP_PKEY* key = issuer.public_key();
  const int verified = key == nullptr ? -1 : X509_verify(certificate.get(), key);
  if (verified == 1) return {};
  return verified == 0 ? "its key did not sign the certificate"
                       : "whether its key signed the certificate cannot be told";
}

}  // namespace ocsp
