// Signs again and again with one key in one way.
#pragma once

#include <memory>

#include "signature_scheme.h"

namespace ocsp {

// One per thread.
class DataSigner {
 public:
  static Result<std::unique_ptr<DataSigner>> create(EVP_PKEY* key, const SignatureScheme& scheme);

  // The AlgorithmIdentifier element.
  Bytes algorithm() const { return prepared_.algorithm; }
  // Valid until the next call.
  Result<Bytes> sign(Bytes data);
  // What sign() gave last; nothing when it failed.
  Bytes last() const { return Bytes(signature_).first(length_); }

 private:
  explicit DataSigner(PreparedSignature prepared) : prepared_(std::move(prepared)) {}

  PreparedSignature prepared_;  // without digest_signer_, its context is copied for each signature
  EvpMdCtxPtr copy_;
  const EVP_MD* md_ = nullptr;
  EvpPkeyCtxPtr digest_signer_;  // may sign again and again; none for keys that hash by themselves or sign no digests
  ByteVector signature_;
  std::size_t length_ = 0;
};

}  // namespace ocsp
