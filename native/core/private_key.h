// A private key that signs, safe to share between threads.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "certificate.h"
#include "signature_scheme.h"

namespace ocsp {

struct Signature {
  ByteVector algorithm;  // AlgorithmIdentifier element
  ByteVector value;
};

class PrivateKey {
 public:
  // PKCS#8 PrivateKeyInfo, not encrypted.
  static Result<std::shared_ptr<PrivateKey>> parse(Bytes pkcs8);
  // A key that OpenSSL has read; its private part may lie in a token. Not nullptr.
  static std::shared_ptr<PrivateKey> own(EvpPkeyPtr key);

  // OpenSSL's name of the key type: "RSA", "RSA-PSS", "DSA", "EC", "ED25519", "ML-DSA-44", ...
  const std::string& type() const { return type_; }
  EVP_PKEY* get() const { return key_.get(); }
  // Whether `certificate` holds the public half. Remembered for the last certificate asked about.
  bool belongs_to(const std::shared_ptr<const Certificate>& certificate);
  Result<Signature> sign(const SignatureScheme& scheme, Bytes data);

 private:
  PrivateKey(EvpPkeyPtr key, std::string type) : key_(std::move(key)), type_(std::move(type)) {}

  struct Template {
    SignatureScheme scheme;
    PreparedSignature prepared;
  };
  // A copy of the context prepared for `scheme`, which costs a tenth of preparing one.
  Result<EvpMdCtxPtr> copy_context(const SignatureScheme& scheme, ByteVector& algorithm);

  EvpPkeyPtr key_;
  std::string type_;
  std::mutex mutex_;  // guards what follows
  std::vector<Template> templates_;
  std::weak_ptr<const Certificate> matching_;
};

}  // namespace ocsp
