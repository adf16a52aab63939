#include "response_verifier.h"

#include <algorithm>
#include <array>
#include <utility>

#include "digest.h"
#include "error_queue.h"
#include "x509_grammar.h"

namespace ocsp {

namespace {

// A response needs one signer, whose certificate is included with a chain of a few. What goes beyond is bait: each
// certificate costs a decoding, each candidate a signature verification.
constexpr std::size_t kMaxEmbedded = 32;
constexpr std::size_t kMaxTries = 8;

Bytes slice(Bytes der, const Range& range) {
  if (range.start < 0) return {};
  return der.subspan(static_cast<std::size_t>(range.start), static_cast<std::size_t>(range.end - range.start));
}

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

// Whether the parser of messages takes it.
bool is_certificate(Bytes der) {
  DerContext context{der.data(), false, {}, true};
  DerReader in(context, der);
  return read_certificate(in, "certs") && in.at_end();
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
  bool embedded_read = false;
  std::array<std::shared_ptr<SignerCertificate>, kMaxTries> tried = {};
  X509NamePtr responder_name = nullptr;
  bool name_parsed = false;

  Bytes part(const Range& range) const { return slice(der, range); }
  // A signature is whole bytes; OpenSSL refuses others too.
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

  // Once, when they are first of use. Those that the parser did not take are not there.
  void read_embedded() {
    if (embedded_read || layout.certificates.start < 0) return;
    embedded_read = true;
    DerContext context{der.data(), true, {}};
    if (!parse_certificates(context, part(layout.certificates), embedded)) embedded.clear();
    if ((layout.encodings & static_cast<std::uint32_t>(Encoding::kUnusableCertificate)) != 0) {
      std::erase_if(embedded, [&](const Range& range) { return !is_certificate(part(range)); });
    }
  }

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

  call.read_embedded();
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
    call.result.authority = Authority::kTrusted;
    call.result.set_until(signer.not_after());
    return outcome_of_times(signer, call.at);
  }
  // Else any certificate could speak for those that it pretends to have issued. OpenSSL asks this of what stands above
  // a delegate only.
  if (!call.issuer->is_ca()) {
    call.error = Error{ErrorCode::kInvalidValue, "the issuer is not a CA"};
    return AuthenticationOutcome::kNotAuthorized;
  }
  if (call.issuer->is_same_entity(signer)) {
    call.result.authority = Authority::kCa;
    return validate_path(call, call.issuer);
  }
  call.result.authority = Authority::kDelegate;
  return authorize_delegate(call, candidate.signer);
}

AuthenticationOutcome ResponseVerifier::authorize_delegate(Call& call,
                                                           const std::shared_ptr<SignerCertificate>& delegate) {
  const auto refuse = [&](const char* why) {
    call.error = Error{ErrorCode::kInvalidValue, why};
    return AuthenticationOutcome::kNotAuthorized;
  };
  if (!std::ranges::equal(delegate->certificate().issuer(), call.issuer->certificate().subject()) &&
      X509_NAME_cmp(X509_get_issuer_name(delegate->get()), X509_get_subject_name(call.issuer->get())) != 0) {
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
  return validate_path(call, delegate);
}

AuthenticationOutcome ResponseVerifier::validate_path(Call& call, const std::shared_ptr<SignerCertificate>& target) {
  if (options_.trust) call.read_embedded();
  auto answer = paths_.validate({target, call.issuer, call.at, call.der, call.embedded});
  call.error = std::move(answer.error);
  call.result.remembered = answer.remembered ? 1 : 0;
  call.result.set_until(std::min(answer.until, target->not_after()));
  return answer.outcome;
}

}  // namespace ocsp
