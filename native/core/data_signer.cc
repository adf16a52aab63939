#include "data_signer.h"

#include <openssl/rsa.h>

#include "digest.h"
#include "error_queue.h"

namespace ocsp {

namespace {

// A context that signs digests; none where OpenSSL refuses, as for a token that signs only messages. Unlike an
// EVP_MD_CTX it may be used again and again, on every OpenSSL 3.
EvpPkeyCtxPtr digest_signer(EVP_PKEY* key, const SignatureScheme& scheme, const EVP_MD* md) {
  const ErrorQueueScope errors;
  const std::string query = provider_query(key);
  EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, query.empty() ? nullptr : query.c_str()));
  bool ready = context && EVP_PKEY_sign_init(context.get()) > 0;
  if (ready && scheme.pss) {
    const int salt = scheme.salt_length >= 0 ? scheme.salt_length : EVP_MD_get_size(md);
    ready = EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) > 0 &&
            EVP_PKEY_CTX_set_signature_md(context.get(), md) > 0 &&
            EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), md) > 0 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), salt) > 0;
  } else if (ready) {
    ready = EVP_PKEY_CTX_set_signature_md(context.get(), md) > 0;
  }
  if (!ready) context.reset();
  return context;
}

}  // namespace

Result<std::unique_ptr<DataSigner>> DataSigner::create(EVP_PKEY* key, const SignatureScheme& scheme) {
  auto prepared = prepare_signature(key, scheme, SignatureDirection::kSign);
  if (!prepared.ok()) return prepared.error();
  std::unique_ptr<DataSigner> signer(new DataSigner(std::move(prepared.value())));
  if (!scheme.hash.empty()) {
    const auto md = fetch_digest(scheme.hash);
    if (!md.ok()) return md.error();
    signer->md_ = md.value();
    signer->digest_signer_ = digest_signer(key, scheme, md.value());
  }
  if (!signer->digest_signer_) {
    signer->copy_.reset(EVP_MD_CTX_new());
    if (!signer->copy_) return Error{ErrorCode::kOpenssl, "out of memory"};
  }
  // The upper bound saves OpenSSL's own size query, a second provider call.
  const auto size = max_signature_size(key);
  if (!size.ok()) return size.error();
  signer->signature_.resize(size.value());
  return signer;
}

Result<Bytes> DataSigner::sign(Bytes data) {
  // Aligned for what is called from here: Ed25519 keeps entries of a table on the stack, and takes a sixth longer where
  // each lies in two lines of the cache.
  alignas(64) std::uint8_t hash[EVP_MAX_MD_SIZE];
  ErrorQueueScope errors;
  length_ = signature_.size();
  bool signed_it = false;
  if (!digest_signer_) {
    // A context that has signed once must not sign again: OpenSSL 3.0 then returns success and a wrong signature.
    signed_it = EVP_MD_CTX_copy_ex(copy_.get(), prepared_.context.get()) == 1 &&
                EVP_DigestSign(copy_.get(), signature_.data(), &length_, data.data(), data.size()) == 1;
  } else {
    unsigned int length = 0;
    signed_it = EVP_Digest(data.data(), data.size(), hash, &length, md_, nullptr) == 1 &&
                EVP_PKEY_sign(digest_signer_.get(), signature_.data(), &length_, hash, length) == 1;
  }
  // Out of memory, OpenSSL 3.0 may report success and 2^32 - 1 bytes (an ECDSA signature that was not encoded).
  if (!signed_it || length_ > signature_.size()) {
    length_ = 0;
    return errors.take(ErrorCode::kOpenssl, "signing failed");
  }
  return last();
}

}  // namespace ocsp
