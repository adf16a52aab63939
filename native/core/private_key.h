// A private key that signs, safe to share between threads.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "certificate.h"
#include "data_signer.h"

namespace ocsp {

struct Signature {
  ByteVector algorithm;  // AlgorithmIdentifier element
  ByteVector value;
};

class PrivateKey {
 public:
  // PKCS#8 PrivateKeyInfo, not encrypted.
  static Result<std::shared_ptr<PrivateKey>> parse(Bytes pkcs8);
  // A key that OpenSSL holds, perhaps in a device that never lets go of it.
  static std::shared_ptr<PrivateKey> adopt(EvpPkeyPtr key);

  // OpenSSL's name of the key type: "RSA", "RSA-PSS", "DSA", "EC", "ED25519", "ML-DSA-44", ...
  const std::string& type() const { return type_; }
  EVP_PKEY* get() const { return key_.get(); }
  // Whether `certificate` holds the public half. Remembered for the last certificate asked about.
  bool belongs_to(const std::shared_ptr<const Certificate>& certificate);
  Result<Signature> sign(const SignatureScheme& scheme, Bytes data);
  // A signer for the caller alone, who gives it back unless it has failed: making one costs ten times what using one
  // again does.
  Result<std::unique_ptr<DataSigner>> take(const SignatureScheme& scheme);
  void give_back(const SignatureScheme& scheme, std::unique_ptr<DataSigner> signer);

 private:
  PrivateKey(EvpPkeyPtr key, std::string type) : key_(std::move(key)), type_(std::move(type)) {}

  // Signers that no one is using.
  struct Idle {
    SignatureScheme scheme;
    std::vector<std::unique_ptr<DataSigner>> signers;
  };
  Idle* find(const SignatureScheme& scheme);

  EvpPkeyPtr key_;
  std::string type_;
  std::mutex mutex_;  // guards what follows
  std::vector<Idle> idle_;
  std::weak_ptr<const Certificate> matching_;
};

// That a responder certificate is not the key's.
Error key_mismatch();

}  // namespace ocsp
