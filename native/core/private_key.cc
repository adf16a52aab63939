#include "private_key.h"

#include <climits>

#include "error_queue.h"

namespace ocsp {

Result<std::shared_ptr<PrivateKey>> PrivateKey::parse(Bytes pkcs8) {
  ErrorQueueScope errors;
  const unsigned char* in = pkcs8.data();
  const Pkcs8Ptr info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &in, static_cast<long>(pkcs8.size())));
  EvpPkeyPtr key(info ? EVP_PKCS82PKEY(info.get()) : nullptr);
  if (!key) return errors.take(ErrorCode::kMalformed, "the private key cannot be parsed");
  return adopt(std::move(key));
}

std::shared_ptr<PrivateKey> PrivateKey::adopt(EvpPkeyPtr key) {
  const char* type = EVP_PKEY_get0_type_name(key.get());
  return std::shared_ptr<PrivateKey>(new PrivateKey(std::move(key), type == nullptr ? "" : type));
}

bool PrivateKey::belongs_to(const std::shared_ptr<const Certificate>& certificate) {
  const std::lock_guard lock(mutex_);
  if (matching_.lock() == certificate) return true;
  ErrorQueueScope errors;
  EVP_PKEY* public_key = certificate->public_key();
  if (public_key == nullptr || EVP_PKEY_eq(public_key, key_.get()) != 1) return false;
  matching_ = certificate;
  return true;
}

Result<EvpMdCtxPtr> PrivateKey::copy_context(const SignatureScheme& scheme, ByteVector& algorithm) {
  ErrorQueueScope errors;
  const std::lock_guard lock(mutex_);
  const Template* found = nullptr;
  for (const Template& candidate : templates_) {
    if (candidate.scheme == scheme) found = &candidate;
  }
  if (found == nullptr) {
    auto prepared = prepare_signature(key_.get(), scheme, SignatureDirection::kSign);
    if (!prepared.ok()) return prepared.error();
    // Salt lengths are the caller's choice: keep the number of templates bounded.
    constexpr std::size_t kMaxTemplates = 16;
    if (templates_.size() == kMaxTemplates) templates_.erase(templates_.begin());
    templates_.push_back({scheme, std::move(prepared.value())});
    found = &templates_.back();
  }
  // A context that has signed once must not sign again: OpenSSL 3.0 then returns success and a wrong signature.
  EvpMdCtxPtr copy(EVP_MD_CTX_new());
  if (!copy || EVP_MD_CTX_copy_ex(copy.get(), found->prepared.context.get()) != 1) {
    return errors.take(ErrorCode::kOpenssl, "the signing context cannot be copied");
  }
  algorithm = found->prepared.algorithm;
  return copy;
}

Result<Signature> PrivateKey::sign(const SignatureScheme& scheme, Bytes data) {
  Signature signature;
  auto context = copy_context(scheme, signature.algorithm);
  if (!context.ok()) return context.error();
  ErrorQueueScope errors;
  // The upper bound saves EVP_DigestSign's own size query, a second provider call.
  const auto size = max_signature_size(key_.get());
  if (!size.ok()) return size.error();
  std::size_t length = size.value();
  signature.value.resize(length);
  // Out of memory, OpenSSL 3.0 may report success and 2^32 - 1 bytes (an ECDSA signature that was not encoded).
  if (EVP_DigestSign(context.value().get(), signature.value.data(), &length, data.data(), data.size()) != 1 ||
      length > size.value()) {
    return errors.take(ErrorCode::kOpenssl, "signing failed");
  }
  signature.value.resize(length);
  return signature;
}

}  // namespace ocsp
