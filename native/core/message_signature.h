// Verifies signatures as they stand in messages: raw bytes, and an AlgorithmIdentifier that the sender chose.
#pragma once

#include <mutex>
#include <vector>

#include "bytes.h"
#include "openssl_ptr.h"
#include "result.h"

namespace ocsp {

// Verifies with one public key; may be shared by threads. For the usual algorithms prepared contexts are kept and used
// again: making them takes a good part of what verifying does.
class SignatureVerifier {
 public:
  // `key` may be nullptr (a key that OpenSSL cannot use): then nothing verifies. Shares ownership of it.
  explicit SignatureVerifier(EVP_PKEY* key);

  EVP_PKEY* key() const { return key_.get(); }

  // Whether `signature` over `data` is that of the key by `algorithm`, an AlgorithmIdentifier element. An error means
  // that OpenSSL could not tell: not a yes either. With a yes comes hash_security_bits() of the algorithm, for those
  // who ask.
  Result<bool> verify(Bytes algorithm, Bytes data, Bytes signature, int* hash_bits = nullptr);

 private:
  // How the key verifies by one algorithm. `md` is nullptr where the key takes the message itself (EdDSA, ML-DSA).
  struct Method {
    const EVP_MD* md = nullptr;
    int hash_bits = -1;
  };
  // One to hash and one to verify the hash; or one prepared for a message, which is copied.
  struct Contexts {
    EvpMdCtxPtr hash;
    EvpPkeyCtxPtr key;
    EvpMdCtxPtr message;
  };
  // An algorithm that has verified, and contexts for it that no one is using.
  struct Prepared {
    ByteVector algorithm;
    Method method;
    std::vector<Contexts> idle;
  };
  bool take(Bytes algorithm, Method& method, Contexts& contexts);
  void keep(Bytes algorithm, const Method& method, Contexts contexts);
  Prepared* find(Bytes algorithm);
  Result<bool> verify_hash(const EVP_MD* md, Contexts& contexts, Bytes data, Bytes signature) const;
  Result<bool> verify_message(Contexts& contexts, Bytes data, Bytes signature) const;
  Result<bool> verify_any(const X509_ALGOR* algorithm, Bytes data, Bytes signature) const;

  EvpPkeyPtr key_;
  std::mutex mutex_;  // guards what follows
  std::vector<Prepared> prepared_;
};

// SHA-1. What is below (MD5) is refused at any security level.
inline constexpr int kUnbrokenHashBits = 63;

// The strength of an AlgorithmIdentifier's hash, in bits: half its output, less as known attacks have it: 63 for SHA-1,
// 39 for MD5 and its like, 0 where it cannot be told. -1 where there is no hash to choose: the key hashes by itself, or
// only a provider knows the algorithm.
int hash_security_bits(const X509_ALGOR* algorithm);

}  // namespace ocsp
