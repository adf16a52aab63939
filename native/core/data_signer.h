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

  PreparedSignature prepared_;  // its context is copied for each signature of a key that hashes by itself
  EvpMdCtxPtr copy_;
  const EVP_MD* md_ = nullptr;   // for keys that sign a digest ...
  EvpPkeyCtxPtr digest_signer_;  // ... this context, which may sign again and again
  ByteVector signature_;
  std::size_t length_ = 0;
};

}  // namespace ocsp
