#include "private_key.h"

#include <algorithm>
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

PrivateKey::Idle* PrivateKey::find(const SignatureScheme& scheme) {
  const auto found =
      std::find_if(idle_.begin(), idle_.end(), [&](const Idle& candidate) { return candidate.scheme == scheme; });
  return found == idle_.end() ? nullptr : &*found;
}

Result<std::unique_ptr<DataSigner>> PrivateKey::take(const SignatureScheme& scheme) {
  {
    const std::lock_guard lock(mutex_);
    Idle* idle = find(scheme);
    if (idle != nullptr && !idle->signers.empty()) {
      auto signer = std::move(idle->signers.back());
      idle->signers.pop_back();
      return signer;
    }
  }
  return DataSigner::create(key_.get(), scheme);
}

void PrivateKey::give_back(const SignatureScheme& scheme, std::unique_ptr<DataSigner> signer) {
  const std::lock_guard lock(mutex_);
  Idle* idle = find(scheme);
  if (idle == nullptr) {
    // Salt lengths are the caller's choice: keep the number of schemes bounded.
    constexpr std::size_t kMaxSchemes = 16;
    if (idle_.size() == kMaxSchemes) idle_.erase(idle_.begin());
    idle = &idle_.emplace_back(Idle{scheme, {}});
  }
  idle->signers.push_back(std::move(signer));
}

Result<Signature> PrivateKey::sign(const SignatureScheme& scheme, Bytes data) {
  auto signer = take(scheme);
  if (!signer.ok()) return signer.error();
  const auto value = signer.value()->sign(data);
  if (!value.ok()) return value.error();
  const Bytes algorithm = signer.value()->algorithm();
  Signature signature{{algorithm.begin(), algorithm.end()}, {value.value().begin(), value.value().end()}};
  give_back(scheme, std::move(signer.value()));
  return signature;
}

Error key_mismatch() {
  return {ErrorCode::kKeyMismatch, "the private key does not belong to the responder certificate"};
}

}  // namespace ocsp
