#include "path_validator.h"

#include <algorithm>
#include <utility>

#include "error_queue.h"
#include "path_rules.h"

namespace ocsp {

namespace {

constexpr std::size_t kMaxHelpers = 16;
// Bounds on the search for another path: what goes beyond is bait.
constexpr int kMaxPaths = 16;
constexpr int kMaxSteps = 512;
constexpr std::size_t kMaxLength = 10;
constexpr unsigned long kListFlags = X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
constexpr int kSuiteBHashBits = 128;

PathAnswer refuse(AuthenticationOutcome outcome, std::string why) {
  return {outcome, Error{ErrorCode::kInvalidValue, std::move(why)}};
}

// In OpenSSL's words.
PathAnswer refuse(AuthenticationOutcome outcome, int error, int depth = 0) {
  const char* reason = X509_verify_cert_error_string(error);
  std::string text = reason;
  if (depth > 0) text.append(" (certificate ").append(std::to_string(depth)).append(" above the signer's)");
  PathAnswer answer{outcome, Error{ErrorCode::kOpenssl, std::move(text)}};
  answer.error->reason = reason;
  return answer;
}

// Whether another path could say otherwise: not where the signer's own certificate is bad, or one in the path is
// expressly not trusted.
bool is_final(AuthenticationOutcome outcome, int error) {
  return outcome == AuthenticationOutcome::kRevoked || outcome == AuthenticationOutcome::kExpired ||
         outcome == AuthenticationOutcome::kNotYetValid || outcome == AuthenticationOutcome::kInternal ||
         error == X509_V_ERR_CERT_REJECTED;
}

bool push_shared(STACK_OF(X509) * stack, X509* certificate) {
  if (X509_up_ref(certificate) != 1) return false;
  if (sk_X509_push(stack, certificate) > 0) return true;
  X509_free(certificate);
  return false;
}

bool contains(const std::vector<X509*>& certificates, const X509* certificate) {
  return std::ranges::any_of(certificates, [&](const X509* other) { return X509_cmp(other, certificate) == 0; });
}

// Where nothing but the issuer is trusted. Never destroyed: threads may verify while the process exits.
X509_STORE* empty_store() {
  static X509_STORE* const store = [] {
    X509_STORE* made = X509_STORE_new();
    if (made != nullptr) X509_STORE_set_check_issued(made, is_issued_by);
    return made;
  }();
  return store;
}

}  // namespace

// One path for OpenSSL to build and validate.
struct PathValidator::Attempt {
  const PathQuestion& question;
  X509* target;
  const std::vector<X509*>& helpers;
  X509* anchor;  // what alone is trusted; nullptr: what is in the store
};

// OpenSSL takes the first certificate that may be the next one, and does not come back to another. This does.
struct PathValidator::Search {
  const PathQuestion& question;
  const std::vector<X509*>& pool;
  const X509_STORE_CTX* store;
  Path& path;
  PathAnswer answer = {};
  int paths = 0;
  int steps = 0;

  bool is_over() const { return paths >= kMaxPaths || steps >= kMaxSteps; }
  // Whether it is a certificate of the same CA. An end entity's may have the same name and key.
  bool is_same_ca(X509* other) const { return question.issuer->is_same_entity(other) && is_ca(other); }
  // "Issued directly by the CA": what stands above a delegate is this CA with this key.
  bool may_follow(const std::vector<X509*>& chain, X509* next) const {
    if (question.is_delegate() && chain.size() == 1 && !question.issuer->is_same_entity(next)) return false;
    return is_issued_by(nullptr, chain.back(), next) == 1 && is_ca(next);
  }
};

PathAnswer PathValidator::validate(const PathQuestion& question) {
  // The anchor itself: nothing to validate but its time.
  if (!question.is_delegate() && !options_.trust) return {outcome_of_times(*question.target, question.at)};
  // What a revocation list said is asked for again each time.
  const bool remembers = options_.max_remembered != 0 && !uses_lists();
  const auto until = cache_.find(question.target, question.issuer, question.at);
  if (remembers && until) {
    // Only what X509_verify_cert found out beside the signature is remembered then.
    if (options_.always_verify && !question.issuer->has_signed(question.target->certificate())) {
      return {AuthenticationOutcome::kUntrusted};
    }
    return {AuthenticationOutcome::kAuthentic, std::nullopt, !options_.always_verify, false, *until};
  }
  Path path{question.target, question.issuer};
  bool is_configured = true;
  auto answer = options_.trust ? validate_trusted(question, path, is_configured) : validate_anchored(question, path);
  answer.until = path.until;
  // A path over what came with this message is not there for another message.
  if (answer.outcome == AuthenticationOutcome::kAuthentic && remembers && is_configured) {
    cache_.put(std::move(path));
  }
  return answer;
}

bool PathValidator::uses_lists() const {
  return options_.revocation == VerifierOptions::Revocation::kCrl || (options_.path_flags & kListFlags) != 0;
}

PathAnswer PathValidator::validate_anchored(const PathQuestion& question, Path& path) {
  if (is_plainly_valid(question, path)) return {AuthenticationOutcome::kAuthentic};
  return run({question, question.target->get(), {}, question.issuer->get()}, path);
}

// Whether OpenSSL need not be asked: two certificates with nothing unusual about them, and no parameter of its own.
bool PathValidator::is_plainly_valid(const PathQuestion& question, Path& path) const {
  auto &issuer = *question.issuer, &target = *question.target;
  if (options_.path_flags != 0 || options_.security_level > 0 || uses_lists() ||
      outcome_of_times(issuer, question.at) != AuthenticationOutcome::kAuthentic ||
      outcome_of_times(target, question.at) != AuthenticationOutcome::kAuthentic ||
      !issuer.is_plain_anchor_of(target)) {
    return false;
  }
  path.from = std::max(issuer.not_before(), target.not_before());
  path.until = std::min(issuer.not_after(), target.not_after());
  return true;
}

PathAnswer PathValidator::validate_trusted(const PathQuestion& question, Path& path, bool& is_configured) {
  ErrorQueueScope errors;
  X509* const target = question.target->get();
  std::vector<X509*> helpers;
  if (question.is_delegate()) helpers.push_back(question.issuer->get());
  for (const auto& given : options_.certificates) helpers.push_back(given->get());
  const std::vector<X509*> configured = helpers;
  PathAnswer first = run({question, target, configured, nullptr}, path);
  if (first.is_final) return first;

  std::vector<std::shared_ptr<SignerCertificate>> embedded;
  for (std::size_t i = 0; i < question.embedded.size() && i < kMaxHelpers; ++i) {
    const Range& range = question.embedded[i];
    auto decoded = CertificateCache::shared().decode(question.message.subspan(
        static_cast<std::size_t>(range.start), static_cast<std::size_t>(range.end - range.start)));
    if (!decoded.ok()) continue;
    helpers.push_back(decoded.value()->get());
    embedded.push_back(std::move(decoded.value()));
  }
  if (!embedded.empty()) {
    first = run({question, target, helpers, nullptr}, path);
    is_configured = false;
    if (first.is_final) return first;
  }
  auto store = options_.trust->shared(false);
  const X509StoreCtxPtr lookup(X509_STORE_CTX_new());
  if (!store.ok() || !lookup || X509_STORE_CTX_init(lookup.get(), store.value(), nullptr, nullptr) != 1) {
    return {AuthenticationOutcome::kInternal, errors.take(ErrorCode::kOpenssl, "out of memory")};
  }
  for (const auto* pool : {&configured, std::as_const(embedded).empty() ? nullptr : &std::as_const(helpers)}) {
    if (pool == nullptr) break;
    is_configured = pool == &configured;
    Search search{question, *pool, lookup.get(), path};
    // A CA is its name and its key, whichever of its certificates one has.
    std::vector<X509*> targets = {target};
    for (X509* helper : *pool) {
      if (!question.is_delegate() && search.is_same_ca(helper)) targets.push_back(helper);
    }
    for (X509* start : targets) {
      std::vector<X509*> chain = {start};
      if (this->search(search, chain)) return std::move(search.answer);
    }
  }
  return first;
}

// Whether there is an answer that counts, for a path that begins with `chain`.
bool PathValidator::search(Search& search, std::vector<X509*>& chain) {
  X509* const last = chain.back();
  const auto try_anchor = [&](X509* anchor) {
    if (search.is_over()) return false;
    ++search.paths;
    const std::vector<X509*> helpers(chain.begin() + 1, chain.end());
    search.answer = run({search.question, chain.front(), helpers, anchor}, search.path);
    return search.answer.is_final;
  };
  const auto certificates_named = [&](const X509_NAME* name) {
    return X509StackPtr(X509_STORE_CTX_get1_certs(const_cast<X509_STORE_CTX*>(search.store), name));
  };
  // The CA that signed may itself be what is trusted, by this certificate or by another one of it.
  if (!search.question.is_delegate() && chain.size() == 1) {
    const X509StackPtr own = certificates_named(X509_get_subject_name(last));
    for (int i = 0; own && i < sk_X509_num(own.get()); ++i) {
      X509* const anchor = sk_X509_value(own.get(), i);
      if (!search.is_same_ca(anchor) || search.is_over()) continue;
      ++search.paths;
      search.answer = run({search.question, anchor, {}, anchor}, search.path);
      if (search.answer.is_final) return true;
    }
  }
  const X509StackPtr anchors = certificates_named(X509_get_issuer_name(last));
  std::vector<X509*> trusted;
  for (int i = 0; anchors && i < sk_X509_num(anchors.get()); ++i) trusted.push_back(sk_X509_value(anchors.get(), i));
  for (X509* anchor : trusted) {
    if (search.may_follow(chain, anchor) && try_anchor(anchor)) return true;
  }
  if (chain.size() == kMaxLength) return false;
  for (X509* helper : search.pool) {
    if (search.is_over()) return false;
    ++search.steps;
    // What is in the store counts as what the store says of it, and has been tried.
    if (!search.may_follow(chain, helper) || contains(chain, helper) || contains(trusted, helper)) continue;
    chain.push_back(helper);
    if (this->search(search, chain)) return true;
    chain.pop_back();
  }
  return false;
}

PathAnswer PathValidator::run(const Attempt& attempt, Path& path) {
  ErrorQueueScope errors;
  const auto internal = [&] {
    auto error = errors.take(ErrorCode::kOpenssl, "the path of the signer's certificate could not be validated");
    return PathAnswer{AuthenticationOutcome::kInternal, std::move(error), false, true};
  };
  // Named once: the stacks must outlive the context.
  const X509StackPtr untrusted(sk_X509_new_null());
  const X509StackPtr anchors(sk_X509_new_null());
  const X509StoreCtxPtr context(X509_STORE_CTX_new());
  if (!untrusted || !anchors || !context) return internal();
  for (X509* helper : attempt.helpers) {
    if (!push_shared(untrusted.get(), helper)) return internal();
  }
  unsigned long flags = options_.path_flags;
  X509_STORE* store = empty_store();
  if (options_.trust) {
    auto shared = options_.trust->shared((flags & kListFlags) != 0);
    if (!shared.ok()) return internal();
    store = shared.value();
  }
  if (store == nullptr || X509_STORE_CTX_init(context.get(), store, attempt.target, untrusted.get()) != 1) {
    return internal();
  }
  if (attempt.anchor != nullptr) {
    if (!push_shared(anchors.get(), attempt.anchor)) return internal();
    X509_STORE_CTX_set0_trusted_stack(context.get(), anchors.get());
    flags |= X509_V_FLAG_PARTIAL_CHAIN;
  }
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(attempt.question.at));
  if (options_.security_level >= 0) X509_VERIFY_PARAM_set_auth_level(param, options_.security_level);
  if (X509_VERIFY_PARAM_set_flags(param, flags) != 1 ||
      X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_OCSP_HELPER) != 1 ||
      X509_STORE_CTX_set_trust(context.get(), X509_TRUST_OCSP_REQUEST) != 1) {
    return internal();
  }
  const int valid = X509_verify_cert(context.get());
  const int error = X509_STORE_CTX_get_error(context.get());
  if (valid != 1 || error != X509_V_OK) {
    const int depth = X509_STORE_CTX_get_error_depth(context.get());
    auto outcome = valid < 0 ? AuthenticationOutcome::kInternal : outcome_of_error(error);
    // Of a certificate further up, or of another one of the CA, it is the path that is bad, not the responder.
    const bool is_own = depth == 0 && attempt.target == attempt.question.target->get();
    if (!is_own && outcome != AuthenticationOutcome::kInternal && outcome != AuthenticationOutcome::kUnchecked) {
      outcome = AuthenticationOutcome::kUntrusted;
    }
    PathAnswer answer = refuse(outcome, error, depth);
    answer.is_final = is_final(outcome, error);
    return answer;
  }
  path = {attempt.question.target, attempt.question.issuer};
  PathAnswer answer = check_chain(attempt, context.get(), path);
  answer.is_final = answer.outcome == AuthenticationOutcome::kAuthentic || is_final(answer.outcome, X509_V_OK);
  return answer;
}

// What OpenSSL does not look at.
PathAnswer PathValidator::check_chain(const Attempt& attempt, X509_STORE_CTX* context, Path& path) {
  const PathQuestion& question = attempt.question;
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  const int length = chain == nullptr ? 0 : sk_X509_num(chain);
  if (length == 0) return refuse(AuthenticationOutcome::kInternal, "OpenSSL tells no path");
  // "Issued directly by the CA": what stands above the delegate is this CA with this key, and nothing that shares a
  // name.
  if (question.is_delegate() && (length < 2 || !question.issuer->is_same_entity(sk_X509_value(chain, 1)))) {
    return refuse(AuthenticationOutcome::kNotAuthorized, "the signer's certificate was not issued by this CA's key");
  }
  const auto fault = question.is_delegate() ? std::nullopt : fault_of_ca_path(chain);
  if (fault) return refuse(AuthenticationOutcome::kUntrusted, fault->error, fault->depth);
  path.from = question.target->not_before();
  path.until = question.target->not_after();
  for (int i = 0; i < length; ++i) {
    // OpenSSL looks at the hashes from security level 1 on. The signature of the anchor, the last, says nothing.
    const X509_ALGOR* algorithm = nullptr;
    X509_get0_signature(nullptr, &algorithm, sk_X509_value(chain, i));
    const int hash_bits = i + 1 < length ? hash_security_bits(algorithm) : -1;
    if (hash_bits >= 0 && hash_bits < kUnbrokenHashBits) return {AuthenticationOutcome::kWeakSignature};
    std::int64_t from = 0, until = 0;
    if (!read_validity(sk_X509_value(chain, i), from, until)) {
      return refuse(AuthenticationOutcome::kInternal, "a validity in the path cannot be read");
    }
    path.from = std::max(path.from, from);
    path.until = std::min(path.until, until);
  }
  const auto own = outcome_of_times(*question.target, question.at);
  if (own != AuthenticationOutcome::kAuthentic) return {own};
  if (question.at < path.from || question.at >= path.until) {
    return refuse(AuthenticationOutcome::kUntrusted, X509_V_ERR_CERT_HAS_EXPIRED, 1);
  }
  path.until = std::min(path.until, end_of_lists(context, options_.path_flags, question.at));
  const bool asks_lists = question.is_delegate() && options_.revocation == VerifierOptions::Revocation::kCrl &&
                          !question.target->has_no_check();
  return asks_lists ? check_lists(attempt, context, sk_X509_value(chain, 1), path)
                    : PathAnswer{AuthenticationOutcome::kAuthentic};
}

// Whether the CA has revoked its delegate: what its latest list says that is whole, and every later one that is not.
PathAnswer PathValidator::check_lists(const Attempt& attempt, X509_STORE_CTX* context, X509* issuer, Path& path) {
  const PathQuestion& question = attempt.question;
  ErrorQueueScope errors;
  auto ca = question.issuer;
  if (issuer != ca->get()) {
    unsigned char* der = nullptr;
    const int length = i2d_X509(issuer, &der);
    const ByteVector bytes(der, der + std::max(length, 0));
    OPENSSL_free(der);
    auto decoded = CertificateCache::shared().decode(bytes);
    if (!decoded.ok()) return {AuthenticationOutcome::kInternal, decoded.error()};
    ca = std::move(decoded.value());
  }
  auto lists = options_.trust ? options_.trust->lists_of(context, *ca) : std::vector<std::shared_ptr<RevocationList>>{};
  if (std::ranges::count(lists, nullptr) != 0) {
    return refuse(AuthenticationOutcome::kUntrusted, "a revocation list cannot be read");
  }
  std::ranges::stable_sort(lists, std::greater(), [](const auto& list) { return list->this_update(); });
  const int least_hash_bits = (options_.path_flags & X509_V_FLAG_SUITEB_128_LOS) != 0 ? kSuiteBHashBits : 0;
  PathAnswer unknown = refuse(AuthenticationOutcome::kUnchecked, X509_V_ERR_UNABLE_TO_GET_CRL);
  const RevocationList* whole = nullptr;
  for (const auto& list : lists) {
    if (whole != nullptr && list->this_update() < whole->this_update()) break;
    if (list->this_update() > question.at) {
      unknown = refuse(AuthenticationOutcome::kUnchecked, X509_V_ERR_CRL_NOT_YET_VALID);
      continue;
    }
    const auto mismatch = list->mismatch(*ca, least_hash_bits);
    // What has expired says nothing of what it does not list; what it lists, no older list takes back.
    const bool has_expired = list->next_update() <= question.at;
    if (has_expired) unknown = refuse(AuthenticationOutcome::kUnchecked, X509_V_ERR_CRL_HAS_EXPIRED);
    if (has_expired && (!mismatch.ok() || mismatch.value() != nullptr)) continue;
    if (!mismatch.ok()) {
      const bool internal = mismatch.error().code == ErrorCode::kOpenssl;
      return {internal ? AuthenticationOutcome::kInternal : AuthenticationOutcome::kUntrusted, mismatch.error()};
    }
    if (mismatch.value() != nullptr) {
      return refuse(AuthenticationOutcome::kUntrusted,
                    std::string("the CA's revocation list does not count: ") + mismatch.value());
    }
    if (list->revokes(question.target->certificate().serial())) {
      return refuse(AuthenticationOutcome::kRevoked, X509_V_ERR_CERT_REVOKED);
    }
    if (has_expired) continue;
    if (list->partial() == nullptr) {
      whole = list.get();
    } else {
      unknown = refuse(AuthenticationOutcome::kUnchecked,
                       std::string("the revocation list does not tell: ") + list->partial());
    }
  }
  if (whole != nullptr) path.until = std::min(path.until, whole->next_update());
  return whole == nullptr ? unknown : PathAnswer{AuthenticationOutcome::kAuthentic};
}

}  // namespace ocsp
