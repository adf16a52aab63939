// What a path is asked beside what OpenSSL asks, and what OpenSSL's errors mean for the signer of a response.
#pragma once

#include <optional>

#include "authentication.h"

namespace ocsp {

// Of an X509_V_ERR_*.
AuthenticationOutcome outcome_of_error(int error);

// As SignerCertificate::is_ca(), of a certificate of OpenSSL's.
bool is_ca(X509* certificate);

struct PathFault {
  int error;  // X509_V_ERR_*
  int depth;
};

// What is wrong with the path of a CA that signed by itself: OpenSSL takes the lowest certificate for an end entity's,
// which need not be a CA's, and which no path length counts.
std::optional<PathFault> fault_of_ca_path(const STACK_OF(X509) * chain);

}  // namespace ocsp
