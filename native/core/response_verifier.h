// Who signed a response, and whether they may speak for the CA: RFC 6960 3.2 items 2 to 4 and 4.2.2.2.
//
// A response counts as authentic when its signature is that of
//   1. a responder that the caller trusts by configuration, or
//   2. the CA itself, or
//   3. a delegate: a certificate that this very CA key issued, with OCSPSigning among its extended key usages.
// Signatures and paths are judged by OpenSSL alone. Whatever fails, for whatever reason, is a no.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>

#include "response_parser.h"
#include "signer_certificate.h"
#include "trust_store.h"

namespace ocsp {

// The numbers are those that JavaScript reads (lib/ocsp/verification/judge.ts).
enum class AuthenticationOutcome : std::int32_t {
  kAuthentic = 0,
  kSignerNotFound = 1,
  kBadSignature = 2,
  kUnsupportedSignature = 3,
  kWeakSignature = 4,
  kNotAuthorized = 5,
  kNotYetValid = 6,
  kExpired = 7,
  kRevoked = 8,
  kUntrusted = 9,
  kUnchecked = 10,
  kInternal = 11,
  kNothing = 12,  // there was nothing to authenticate
};

enum class SignerSource : std::int32_t { kNone = 0, kIssuer = 1, kEmbedded = 2, kGiven = 3, kResponder = 4 };

// What JavaScript reads: 32-bit numbers only, order is meaning.
struct Authentication {
  AuthenticationOutcome outcome = AuthenticationOutcome::kInternal;
  std::int32_t authority = 0;  // 0 none, 1 the CA, 2 a delegate, 3 trusted by configuration
  SignerSource source = SignerSource::kNone;
  std::int32_t index = -1;      // among the given certificates or responders
  Range certificate;            // of an embedded signer, in the message
  std::int32_t remembered = 0;  // 1: the path of this signer was validated earlier
  std::int32_t no_check = 0;    // 1: the signer's certificate has id-pkix-ocsp-nocheck
};

struct VerifierOptions {
  std::shared_ptr<TrustStore> trust;                             // nullptr: the issuer is trusted as it is
  std::vector<std::shared_ptr<SignerCertificate>> responders;    // trusted by configuration
  std::vector<std::shared_ptr<SignerCertificate>> certificates;  // signers and intermediates that do not travel along
  unsigned long path_flags = 0;                                  // X509_V_FLAG_*
  int security_level = -1;                                       // OpenSSL's, 0 to 5; -1 as OpenSSL has it
  // A delegate without id-pkix-ocsp-nocheck is taken, refused, or looked up in the revocation lists of the store.
  enum class Revocation : std::int32_t { kAccept = 0, kNoCheck = 1, kCrl = 2 } revocation = Revocation::kAccept;
  std::size_t max_remembered = 0;  // paths that are remembered
  std::chrono::seconds remember_for{0};
  // Verify the signature of a delegate's certificate even where its path is remembered. Needs `trust` to be nullptr:
  // then that signature is the path's only one.
  bool always_verify = false;
};

// May be shared by threads.
class ResponseVerifier {
 public:
  explicit ResponseVerifier(VerifierOptions options) : options_(std::move(options)) {}

  // `layout` is what parse_response found in `der`. `at` is in seconds since 1970-01-01. `error` gets OpenSSL's words.
  Authentication authenticate(Bytes der, const ResponseLayout& layout, const std::shared_ptr<SignerCertificate>& issuer,
                              std::int64_t at, std::optional<Error>& error);

  std::size_t remembered();

 private:
  struct Call;
  struct Candidate {
    std::shared_ptr<SignerCertificate> signer;
    SignerSource source;
    std::int32_t index;
    Range certificate;
  };
  // How long a path that was found good stays so.
  struct Path {
    std::shared_ptr<SignerCertificate> target;
    std::shared_ptr<SignerCertificate> issuer;
    std::int64_t from = INT64_MIN;
    std::int64_t until = INT64_MAX;
    std::chrono::steady_clock::time_point forget_at;
  };
  using PathKey = std::pair<const SignerCertificate*, const SignerCertificate*>;

  bool try_candidate(Call& call, const Candidate& candidate);
  AuthenticationOutcome authorize(Call& call, const Candidate& candidate, int hash_bits);
  AuthenticationOutcome authorize_delegate(Call& call, const std::shared_ptr<SignerCertificate>& delegate);
  AuthenticationOutcome validate_path(Call& call, const std::shared_ptr<SignerCertificate>& target, bool is_delegate);
  AuthenticationOutcome run_path(Call& call, const std::shared_ptr<SignerCertificate>& target, bool is_delegate,
                                 Path& path);
  bool recall(const PathKey& key, std::int64_t at);
  void remember(const PathKey& key, Path path);

  const VerifierOptions options_;
  std::mutex mutex_;  // guards what follows
  std::map<PathKey, Path> paths_;
  std::deque<PathKey> order_;  // oldest first
};

}  // namespace ocsp
