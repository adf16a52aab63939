// A signer's certificate judged by OpenSSL alone: for test programs and fuzzers alike.
#pragma once

#include <string>

#include "core/signer_certificate.h"

namespace oracle {

// What it says otherwise than OpenSSL; empty if nothing.
std::string judge_signer(const ocsp::SignerCertificate& signer);

}  // namespace oracle
