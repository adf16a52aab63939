#include "path_rules.h"

#include <openssl/x509v3.h>

namespace ocsp {

AuthenticationOutcome outcome_of_error(int error) {
  switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return AuthenticationOutcome::kNotYetValid;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return AuthenticationOutcome::kExpired;
    case X509_V_ERR_CERT_REVOKED:
      return AuthenticationOutcome::kRevoked;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return AuthenticationOutcome::kUnchecked;
    case X509_V_ERR_OUT_OF_MEM:
    case X509_V_ERR_UNSPECIFIED:
      return AuthenticationOutcome::kInternal;
    default:
      return AuthenticationOutcome::kUntrusted;
  }
}

bool is_ca(X509* certificate) { return X509_check_ca(certificate) != 0; }

std::optional<PathFault> fault_of_ca_path(const STACK_OF(X509) * chain) {
  if (!is_ca(sk_X509_value(chain, 0))) return PathFault{X509_V_ERR_INVALID_CA, 0};
  // RFC 5280 6.1.4 (l) and (m): those that name themselves as their issuer do not count.
  long below = 0;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* const ca = sk_X509_value(chain, i);
    const long allowed = X509_get_pathlen(ca);
    if (allowed != -1 && below > allowed) return PathFault{X509_V_ERR_PATH_LENGTH_EXCEEDED, i};
    if ((X509_get_extension_flags(ca) & EXFLAG_SI) == 0) ++below;
  }
  return std::nullopt;
}

}  // namespace ocsp
