#include "response_verifier.h"

#include <algorithm>
#include <array>
#include <utility>

#include "digest.h"
#include "error_queue.h"

namespace ocsp {

namespace {

// A response needs one signer, whose certificate travels along with a chain of a few. What goes beyond is bait: each
// certificate costs a decoding, each candidate a signature verification.
constexpr std::size_t kMaxEmbedded = 32;
constexpr std::size_t kMaxTries = 8;
constexpr std::size_t kMaxUntrusted = 16;
constexpr int kUnbrokenHashBits = 63;  // SHA-1; what is below (MD5) is refused at any security level

Bytes slice(Bytes der, const Range& range) {
  if (range.start < 0) return {};
  return der.subspan(static_cast<std::size_t>(range.start), static_cast<std::size_t>(range.end - range.start));
}

Error make_error(ErrorCode code, std::string message) { return Error{code, std::move(message), {}, {}, {}}; }

// Subject and key bits of a Certificate, without decoding it.
bool read_identity(Bytes certificate, Bytes& subject, Bytes& key_bits) {
  DerContext context{certificate.data(), true, {}};
  DerReader in(context, certificate);
  DerReader outer;
  DerReader tbs;
  Bytes ignored;
  if (!in.enter(tag::kSequence, outer, "") || !outer.enter(tag::kSequence, tbs, "")) return false;
  if (tbs.peek() == tag::explicit_context(0) && !tbs.read_any(ignored, "")) return false;
  // serialNumber, signature, issuer, validity
  for (int i = 0; i < 4; ++i) {
    if (!tbs.read_any(ignored, "")) return false;
  }
  DerReader key_info;
  if (!tbs.read_any(subject, "") || !tbs.enter(tag::kSequence, key_info, "") || !key_info.read_any(ignored, "") ||
      !key_info.read(tag::kBitString, key_bits, "") || key_bits.empty()) {
    return false;
  }
  key_bits = key_bits.subspan(1);
  return true;
}

// Whether the signature of `certificate` was made with the key of `issuer`.
bool is_signed_by(const Certificate& certificate, SignerCertificate& issuer) {
  DerContext context{certificate.der().data(), true, {}};
  DerReader in(context, certificate.der());
  DerReader outer;
  Bytes tbs;
  Bytes algorithm;
  Bytes bits;
  if (!in.enter(tag::kSequence, outer, "") || !outer.read_any(tbs, "") || !outer.read_any(algorithm, "") ||
      !outer.read(tag::kBitString, bits, "") || bits.empty() || bits[0] != 0) {
    return false;
  }
  const auto verified = issuer.verifier().verify(algorithm, tbs, bits.subspan(1));
  return verified.ok() && verified.value();
}

X509NamePtr parse_name(Bytes der) {
  const unsigned char* in = der.data();
  return X509NamePtr(d2i_X509_NAME(nullptr, &in, static_cast<long>(der.size())));
}

constexpr int kLevelBits[] = {0, 80, 112, 128, 192, 256};

// -1 is a hash that is part of the signature algorithm.
bool is_weak(int hash_bits, int level) {
  return hash_bits >= 0 && hash_bits < std::max(kLevelBits[level], kUnbrokenHashBits);
}

}  // namespace

struct ResponseVerifier::Call {
  Bytes der;
  const ResponseLayout& layout;
  const std::shared_ptr<SignerCertificate>& issuer;
  std::int64_t at;
  std::optional<Error>& error;
  Authentication result = {};

  std::size_t tries = 0;
  bool matched = false;
  std::vector<Range> embedded = {};
  std::array<std::shared_ptr<SignerCertificate>, kMaxTries> tried = {};
  X509NamePtr responder_name = nullptr;
  bool name_parsed = false;

  Bytes part(const Range& range) const { return slice(der, range); }
  // A signature is whole octets; OpenSSL refuses others too.
  bool has_unused_bits() const { return der[static_cast<std::size_t>(layout.signature.start) - 1] != 0; }

  // Whether the ResponderID means a certificate with this subject and key hash.
  bool is_named(Bytes subject, Bytes key_hash) {
    const Bytes id = part(layout.responder_id);
    if (layout.responder_id_tag == 2) return std::ranges::equal(id, key_hash);
    if (std::ranges::equal(id, subject)) return true;
    // Other spellings of the same name: other string types, other case.
    if (!name_parsed) {
      responder_name = parse_name(id);
      name_parsed = true;
    }
    const X509NamePtr other = parse_name(subject);
    return responder_name && other && X509_NAME_cmp(responder_name.get(), other.get()) == 0;
  }
  bool is_named(const SignerCertificate& signer) { return is_named(signer.certificate().subject(), signer.key_hash()); }

  bool end(AuthenticationOutcome outcome, std::optional<Error> why) {
    result.outcome = outcome;
    error = std::move(why);
    return false;
  }
};

Authentication ResponseVerifier::authenticate(Bytes der, const ResponseLayout& layout,
                                              const std::shared_ptr<SignerCertificate>& issuer, std::int64_t at,
                                              std::optional<Error>& error) {
  ErrorQueueScope errors;
  Call call{der, layout, issuer, at, error};
  call.result.outcome = AuthenticationOutcome::kSignerNotFound;
  error.reset();

  for (std::size_t i = 0; i < options_.responders.size(); ++i) {
    const auto& signer = options_.responders[i];
    if (call.is_named(*signer) &&
        try_candidate(call, {signer, SignerSource::kResponder, static_cast<std::int32_t>(i), {}})) {
      return call.result;
    }
  }
  if (call.is_named(*issuer) && try_candidate(call, {issuer, SignerSource::kIssuer, -1, {}})) return call.result;

  if (layout.certificates.start >= 0) {
    DerContext context{der.data(), true, {}};
    if (!parse_certificates(context, call.part(layout.certificates), call.embedded)) call.embedded.clear();
  }
  const std::size_t count = std::min(call.embedded.size(), kMaxEmbedded);
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes bytes = call.part(call.embedded[i]);
    auto signer = CertificateCache::shared().find(bytes);
    if (signer) {
      if (!call.is_named(*signer)) continue;
    } else {
      Bytes subject;
      Bytes key_bits;
      if (!read_identity(bytes, subject, key_bits)) continue;
      const auto key_hash = digest("SHA1", key_bits);
      if (!key_hash.ok()) {
        call.end(AuthenticationOutcome::kInternal, key_hash.error());
        return call.result;
      }
      if (!call.is_named(subject, key_hash.value())) continue;
      auto decoded = CertificateCache::shared().decode(bytes);
      if (!decoded.ok()) {
        if (!call.matched) call.end(AuthenticationOutcome::kSignerNotFound, decoded.error());
        continue;
      }
      signer = std::move(decoded.value());
    }
    const auto index = static_cast<std::int32_t>(i);
    if (try_candidate(call, {signer, SignerSource::kEmbedded, index, call.embedded[i]})) return call.result;
  }
  for (std::size_t i = 0; i < options_.certificates.size(); ++i) {
    const auto& signer = options_.certificates[i];
    if (call.is_named(*signer) &&
        try_candidate(call, {signer, SignerSource::kGiven, static_cast<std::int32_t>(i), {}})) {
      return call.result;
    }
  }
  return call.result;
}

// Whether the search is over: the signer was found, authorized or not. Otherwise what is known so far is in the result.
bool ResponseVerifier::try_candidate(Call& call, const Candidate& candidate) {
  const auto end_of_tried = call.tried.begin() + call.tries;
  if (std::find(call.tried.begin(), end_of_tried, candidate.signer) != end_of_tried) return false;
  if (call.tries == kMaxTries) return false;
  call.tried[call.tries++] = candidate.signer;
  const Bytes algorithm = call.part(call.layout.signature_algorithm);
  int hash_bits = 0;
  const auto verified = candidate.signer->verifier().verify(algorithm, call.part(call.layout.tbs),
                                                            call.part(call.layout.signature), &hash_bits);
  // The first reason stays: a second certificate of the same name explains nothing.
  const bool first = !std::exchange(call.matched, true);
  if (!verified.ok()) {
    const bool internal = verified.error().code == ErrorCode::kOpenssl;
    if (first) {
      call.end(internal ? AuthenticationOutcome::kInternal : AuthenticationOutcome::kUnsupportedSignature,
               verified.error());
    }
    return false;
  }
  if (!verified.value() || call.has_unused_bits()) {
    if (first) call.end(AuthenticationOutcome::kBadSignature, std::nullopt);
    return false;
  }
  call.error.reset();
  call.result.source = candidate.source;
  call.result.index = candidate.index;
  call.result.certificate = candidate.certificate;
  call.result.no_check = candidate.signer->has_no_check() ? 1 : 0;
  call.result.outcome = authorize(call, candidate, hash_bits);
  return true;
}

AuthenticationOutcome ResponseVerifier::authorize(Call& call, const Candidate& candidate, int hash_bits) {
  const SignerCertificate& signer = *candidate.signer;
  const int level = std::clamp(options_.security_level, 0, 5);
  if (is_weak(hash_bits, level) ||
      (level > 0 && EVP_PKEY_get_security_bits(signer.certificate().public_key()) < kLevelBits[level])) {
    return AuthenticationOutcome::kWeakSignature;
  }
  if (candidate.source == SignerSource::kResponder) {
    call.result.authority = 3;
    if (call.at < signer.not_before()) return AuthenticationOutcome::kNotYetValid;
    return call.at > signer.not_after() ? AuthenticationOutcome::kExpired : AuthenticationOutcome::kAuthentic;
  }
  // Else any certificate could speak for those that it pretends to have issued. OpenSSL asks this of what stands above
  // a delegate only.
  if (!call.issuer->is_ca()) {
    call.error = make_error(ErrorCode::kInvalidValue, "the issuer is not a CA");
    return AuthenticationOutcome::kNotAuthorized;
  }
  if (candidate.signer == call.issuer || call.issuer->is_same_entity(signer.get())) {
    call.result.authority = 1;
    return validate_path(call, call.issuer, false);
  }
  call.result.authority = 2;
  return authorize_delegate(call, candidate.signer);
}

AuthenticationOutcome ResponseVerifier::authorize_delegate(Call& call,
                                                           const std::shared_ptr<SignerCertificate>& delegate) {
  const auto refuse = [&](const char* why) {
    call.error = make_error(ErrorCode::kInvalidValue, why);
    return AuthenticationOutcome::kNotAuthorized;
  };
  if (X509_NAME_cmp(X509_get_issuer_name(delegate->get()), X509_get_subject_name(call.issuer->get())) != 0) {
    return refuse("the signer is neither the CA nor a delegate that the CA issued");
  }
  if (!delegate->is_ocsp_signer()) {
    return refuse("the signer's certificate does not have OCSPSigning among its extended key usages");
  }
  if (!delegate->may_sign()) {
    return refuse("the key usage of the signer's certificate does not allow signatures");
  }
  if (options_.revocation == VerifierOptions::Revocation::kNoCheck && call.result.no_check == 0) {
    return AuthenticationOutcome::kUnchecked;
  }
  return validate_path(call, delegate, true);
}

AuthenticationOutcome ResponseVerifier::validate_path(Call& call, const std::shared_ptr<SignerCertificate>& target,
                                                      bool is_delegate) {
  if (!is_delegate && !options_.trust) {
    // The anchor itself: nothing to validate but its time.
    if (call.at < target->not_before()) return AuthenticationOutcome::kNotYetValid;
    return call.at > target->not_after() ? AuthenticationOutcome::kExpired : AuthenticationOutcome::kAuthentic;
  }
  const PathKey key{target.get(), call.issuer.get()};
  if (options_.max_remembered != 0 && recall(key, call.at)) {
    // Only what X509_verify_cert found out beside the signature is remembered then.
    if (options_.always_verify && !is_signed_by(target->certificate(), *call.issuer)) {
      return AuthenticationOutcome::kUntrusted;
    }
    call.result.remembered = options_.always_verify ? 0 : 1;
    return AuthenticationOutcome::kAuthentic;
  }
  Path path{target, call.issuer, INT64_MIN, INT64_MAX, {}};
  const AuthenticationOutcome outcome = run_path(call, target, is_delegate, path);
  // What a revocation list said is asked for again each time.
  const bool crl = options_.revocation == VerifierOptions::Revocation::kCrl ||
                   (options_.path_flags & (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)) != 0;
  if (outcome == AuthenticationOutcome::kAuthentic && options_.max_remembered != 0 && !crl) {
    remember(key, std::move(path));
  }
  return outcome;
}

namespace {

AuthenticationOutcome outcome_of(int error) {
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

bool push_shared(STACK_OF(X509) * stack, X509* certificate) {
  if (X509_up_ref(certificate) != 1) return false;
  if (sk_X509_push(stack, certificate) > 0) return true;
  X509_free(certificate);
  return false;
}

}  // namespace

AuthenticationOutcome ResponseVerifier::run_path(Call& call, const std::shared_ptr<SignerCertificate>& target,
                                                 bool is_delegate, Path& path) {
  ErrorQueueScope errors;
  const auto internal = [&] {
    call.error = errors.take(ErrorCode::kOpenssl, "the path of the signer's certificate could not be validated");
    return AuthenticationOutcome::kInternal;
  };
  // Named once: the stacks must outlive the context.
  const X509StackPtr untrusted(sk_X509_new_null());
  const X509StackPtr anchors(sk_X509_new_null());
  const X509StoreCtxPtr context(X509_STORE_CTX_new());
  if (!untrusted || !anchors || !context) return internal();
  unsigned long flags = options_.path_flags;
  if (options_.trust) {
    std::vector<X509*> helpers;
    if (is_delegate) helpers.push_back(call.issuer->get());
    for (const auto& given : options_.certificates) helpers.push_back(given->get());
    std::vector<std::shared_ptr<SignerCertificate>> embedded;
    for (const Range& range : call.embedded) {
      if (embedded.size() == kMaxUntrusted) break;
      auto decoded = CertificateCache::shared().decode(call.part(range));
      if (!decoded.ok()) continue;
      helpers.push_back(decoded.value()->get());
      embedded.push_back(std::move(decoded.value()));
    }
    for (X509* helper : helpers) {
      if (!push_shared(untrusted.get(), helper)) return internal();
    }
  } else {
    if (!push_shared(anchors.get(), call.issuer->get())) return internal();
    flags |= X509_V_FLAG_PARTIAL_CHAIN;
  }
  X509_STORE* store = options_.trust ? options_.trust->shared() : nullptr;
  if (X509_STORE_CTX_init(context.get(), store, target->get(), untrusted.get()) != 1) return internal();
  if (!options_.trust) X509_STORE_CTX_set0_trusted_stack(context.get(), anchors.get());
  if (is_delegate && options_.revocation == VerifierOptions::Revocation::kCrl && call.result.no_check == 0) {
    flags |= X509_V_FLAG_CRL_CHECK;
  }
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(call.at));
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
    std::string text = X509_verify_cert_error_string(error);
    if (depth > 0) text.append(" (certificate ").append(std::to_string(depth)).append(" above the signer's)");
    call.error = make_error(ErrorCode::kOpenssl, text);
    call.error->reason = X509_verify_cert_error_string(error);
    if (valid < 0) return AuthenticationOutcome::kInternal;
    const AuthenticationOutcome outcome = outcome_of(error);
    // Of a certificate further up it is the path that is bad, not the responder.
    const bool is_own =
        depth == 0 || outcome == AuthenticationOutcome::kInternal || outcome == AuthenticationOutcome::kUnchecked;
    return is_own ? outcome : AuthenticationOutcome::kUntrusted;
  }
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context.get());
  const int length = chain == nullptr ? 0 : sk_X509_num(chain);
  if (length == 0) return internal();
  // "Issued directly by the CA": what stands above the delegate is this CA with this key, and nothing that shares a
  // name.
  if (is_delegate && (length < 2 || !call.issuer->is_same_entity(sk_X509_value(chain, 1)))) {
    call.error = make_error(ErrorCode::kInvalidValue, "the signer's certificate was not issued by this CA's key");
    return AuthenticationOutcome::kNotAuthorized;
  }
  for (int i = 0; i < length; ++i) {
    // OpenSSL looks at the hashes from security level 1 on. The signature of the anchor, the last, says nothing.
    const X509_ALGOR* algorithm = nullptr;
    X509_get0_signature(nullptr, &algorithm, sk_X509_value(chain, i));
    if (i + 1 < length && is_weak(hash_security_bits(algorithm), 0)) return AuthenticationOutcome::kWeakSignature;
    std::int64_t from = 0;
    std::int64_t until = 0;
    if (!read_validity(sk_X509_value(chain, i), from, until)) return internal();
    path.from = std::max(path.from, from);
    path.until = std::min(path.until, until);
  }
  return AuthenticationOutcome::kAuthentic;
}

bool ResponseVerifier::recall(const PathKey& key, std::int64_t at) {
  const std::lock_guard lock(mutex_);
  const auto found = paths_.find(key);
  if (found == paths_.end()) return false;
  const Path& path = found->second;
  return at >= path.from && at <= path.until && std::chrono::steady_clock::now() < path.forget_at;
}

void ResponseVerifier::remember(const PathKey& key, Path path) {
  path.forget_at = std::chrono::steady_clock::now() + options_.remember_for;
  const std::lock_guard lock(mutex_);
  // The entry keeps its certificates, so that no other can take their addresses.
  if (!paths_.insert_or_assign(key, std::move(path)).second) return;
  order_.push_back(key);
  if (order_.size() > options_.max_remembered) {
    paths_.erase(order_.front());
    order_.pop_front();
  }
}

std::size_t ResponseVerifier::remembered() {
  const std::lock_guard lock(mutex_);
  return paths_.size();
}

}  // namespace ocsp
