#include "path_rules.h"

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
  return std::nullopt;
}

}  // namespace ocsp
