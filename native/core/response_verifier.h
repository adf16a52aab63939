// Who signed a response, and whether they may speak for the CA: RFC 6960 3.2 items 2 to 4 and 4.2.2.2.
//
// A response counts as authentic when its signature is that of
//   1. a responder that the caller trusts by configuration, or
//   2. the CA itself, or
//   3. a delegate: a certificate that this very CA key issued, with OCSPSigning among its extended key usages.
// Signatures and paths are judged by OpenSSL alone. Whatever fails, for whatever reason, is a no.
#pragma once

#include <optional>

#include "path_validator.h"
#include "response_parser.h"

namespace ocsp {

// May be shared by threads.
class ResponseVerifier {
 public:
  explicit ResponseVerifier(VerifierOptions options) : options_(std::move(options)), paths_(options_) {}
  ResponseVerifier(const ResponseVerifier&) = delete;
  ResponseVerifier& operator=(const ResponseVerifier&) = delete;

  // `layout` is what parse_response found in `der`. `at` is in seconds since 1970-01-01. `error` gets OpenSSL's words.
  Authentication authenticate(Bytes der, const ResponseLayout& layout, const std::shared_ptr<SignerCertificate>& issuer,
                              std::int64_t at, std::optional<Error>& error);

  bool is_strict() const { return options_.strict; }
  std::size_t remembered() { return paths_.remembered(); }

 private:
  struct Call;
  struct Candidate {
    std::shared_ptr<SignerCertificate> signer;
    SignerSource source;
    std::int32_t index;
    Range certificate;
  };

  bool try_candidate(Call& call, const Candidate& candidate);
  AuthenticationOutcome authorize(Call& call, const Candidate& candidate, int hash_bits);
  AuthenticationOutcome authorize_delegate(Call& call, const std::shared_ptr<SignerCertificate>& delegate);
  AuthenticationOutcome validate_path(Call& call, const std::shared_ptr<SignerCertificate>& target);

  const VerifierOptions options_;
  PathValidator paths_;
};

}  // namespace ocsp
