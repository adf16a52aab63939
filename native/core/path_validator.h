// The path of a signer's certificate: OpenSSL validates it, and any valid path counts, whichever certificates come
// first. Paths that were found valid are remembered, and a path that is remembered says what it would say if it were
// validated again.
#pragma once

#include <optional>

#include "authentication.h"
#include "path_cache.h"
#include "trust_store.h"

namespace ocsp {

// A path to validate.
struct PathQuestion {
  const std::shared_ptr<SignerCertificate>& target;
  // The CA that has to stand above a delegate; the target itself where the CA signed.
  const std::shared_ptr<SignerCertificate>& issuer;
  std::int64_t at;  // seconds since 1970-01-01
  Bytes message;
  const std::vector<Range>& embedded;  // certificates in `message`, any of which may help

  bool is_delegate() const { return target != issuer; }
};

struct PathAnswer {
  AuthenticationOutcome outcome = AuthenticationOutcome::kInternal;
  std::optional<Error> error = std::nullopt;  // why it is no yes
  bool remembered = false;
  bool is_final = false;  // no other path would change it
  // Of a yes: when something else than the target ends that it rests on; in seconds since 1970-01-01.
  std::int64_t until = INT64_MAX;
};

// May be shared by threads.
class PathValidator {
 public:
  explicit PathValidator(const VerifierOptions& options)
      : options_(options), cache_(options.max_remembered, options.remember_for) {}

  PathAnswer validate(const PathQuestion& question);
  std::size_t remembered() { return cache_.size(); }

 private:
  using Helpers = std::vector<std::shared_ptr<SignerCertificate>>;
  struct Attempt;
  struct Search;

  PathAnswer validate_anchored(const PathQuestion& question, Path& path);
  bool is_plainly_valid(const PathQuestion& question, Path& path) const;
  PathAnswer validate_trusted(const PathQuestion& question, Path& path, bool& is_configured);
  PathAnswer run(const Attempt& attempt, Path& path);
  PathAnswer check_chain(const Attempt& attempt, X509_STORE_CTX* context, Path& path);
  PathAnswer check_lists(const Attempt& attempt, X509_STORE_CTX* context, X509* issuer, Path& path);
  bool search(Search& search, std::vector<X509*>& chain);
  bool uses_lists() const;

  const VerifierOptions& options_;
  PathCache cache_;
};

}  // namespace ocsp
