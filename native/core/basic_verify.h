// OCSP_basic_verify and OCSP_request_verify with everything that they can be given, and everything that they can tell.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "signer_certificate.h"
#include "trust_store.h"

namespace ocsp {

struct BasicVerifyInput {
  std::vector<std::shared_ptr<const Certificate>> certificates;
  std::shared_ptr<TrustStore> trust;  // nullptr: nothing is trusted
  unsigned long flags = 0;            // OCSP_*
  PathParameters path;
};

struct BasicVerifyOutcome {
  bool verified = false;
  std::optional<Error> error;  // why not
  int certificate_error = 0;   // X509_V_ERR_*; 0 when the path was not the trouble, or was not looked at
  int certificate_error_depth = -1;
  std::string certificate_error_text;
  ByteVector signer;              // DER; empty when none was found
  std::vector<ByteVector> chain;  // DER, signer first; empty when no chain was built
  Authority authority = Authority::kNone;
};

// An error says that there was no verdict: the message or the parameters are not usable.
Result<BasicVerifyOutcome> basic_verify_response(Bytes der, const BasicVerifyInput& input);
Result<BasicVerifyOutcome> basic_verify_request(Bytes der, const BasicVerifyInput& input);

// OCSP_resp_get0_signer: the certificate that the response names, looked for among `certificates` first; DER, or empty.
Result<ByteVector> find_response_signer(Bytes der, const std::vector<std::shared_ptr<const Certificate>>& certificates);

}  // namespace ocsp
