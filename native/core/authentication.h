// What an authentication of a response is asked for, and what it tells.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "request_parser.h"
#include "signer_certificate.h"

namespace ocsp {

class TrustStore;

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

// A certificate is valid from the one moment until just before the other: OpenSSL's releases do not agree on the last
// second.
inline AuthenticationOutcome outcome_of_times(const SignerCertificate& certificate, std::int64_t at) {
  if (at < certificate.not_before()) return AuthenticationOutcome::kNotYetValid;
  return at >= certificate.not_after() ? AuthenticationOutcome::kExpired : AuthenticationOutcome::kAuthentic;
}

enum class SignerSource : std::int32_t { kNone = 0, kIssuer = 1, kEmbedded = 2, kGiven = 3, kResponder = 4 };

// What JavaScript reads: 32-bit numbers only, order is meaning.
struct Authentication {
  AuthenticationOutcome outcome = AuthenticationOutcome::kInternal;
  Authority authority = Authority::kNone;
  SignerSource source = SignerSource::kNone;
  std::int32_t index = -1;      // among the given certificates or responders
  Range certificate;            // of an embedded signer, in the message
  std::int32_t remembered = 0;  // 1: the path of this signer was validated earlier
  std::int32_t no_check = 0;    // 1: the signer's certificate has id-pkix-ocsp-nocheck
  // Of what is authentic: when something ends that it rests on, in seconds since 1970-01-01, as (high << 31) + low.
  std::int32_t until_high = 0;
  std::int32_t until_low = 0;

  void set_until(std::int64_t until) {
    constexpr std::int64_t kEndOfTime = 253402300800;  // 10000-01-01, which no certificate can tell
    until = std::clamp<std::int64_t>(until, -kEndOfTime, kEndOfTime);
    until_high = static_cast<std::int32_t>(until >> 31);
    until_low = static_cast<std::int32_t>(until & INT32_MAX);
  }
};

struct VerifierOptions {
  std::shared_ptr<TrustStore> trust;                             // nullptr: the issuer is trusted as it is
  std::vector<std::shared_ptr<SignerCertificate>> responders;    // trusted by configuration
  std::vector<std::shared_ptr<SignerCertificate>> certificates;  // signers and intermediates that are not included
  unsigned long path_flags = 0;                                  // X509_V_FLAG_*
  int security_level = -1;                                       // OpenSSL's, 0 to 5; -1 as OpenSSL has it
  // A delegate without id-pkix-ocsp-nocheck is taken, refused, or looked up in the revocation lists of the store.
  enum class Revocation : std::int32_t { kAccept = 0, kNoCheck = 1, kCrl = 2 } revocation = Revocation::kAccept;
  std::size_t max_remembered = 0;  // paths that are remembered
  std::chrono::seconds remember_for{0};
  // Verify the signature of a delegate's certificate even where its path is remembered. Needs `trust` to be nullptr:
  // then that signature is the path's only one.
  bool always_verify = false;
  bool strict = false;  // DER alone, without the encodings of the field
};

}  // namespace ocsp
