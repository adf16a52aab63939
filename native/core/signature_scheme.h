// How a response is signed: hash, RSA padding, and the AlgorithmIdentifier that says so.
#pragma once

#include <optional>
#include <string>

#include "bytes.h"
#include "openssl_ptr.h"
#include "result.h"

namespace ocsp {

struct SignatureScheme {
  std::string hash;      // OpenSSL's name; empty for keys that hash by themselves (EdDSA, ML-DSA)
  bool pss = false;      // RSASSA-PSS rather than RSASSA-PKCS1-v1_5
  int salt_length = -1;  // PSS only, in bytes; -1 means the length of the hash

  bool operator==(const SignatureScheme&) const = default;
};

// A context ready for EVP_DigestSign or EVP_DigestVerify, and the AlgorithmIdentifier element of its signatures.
struct PreparedSignature {
  EvpMdCtxPtr context;
  ByteVector algorithm;
};

// Property query that finds the provider which holds `key`; empty for OpenSSL's own. Without it OpenSSL may take the
// public half of a key in a device to its own provider, which then misses the private one.
std::string provider_query(const EVP_PKEY* key);

enum class SignatureDirection { kSign, kVerify };
Result<PreparedSignature> prepare_signature(EVP_PKEY* key, const SignatureScheme& scheme, SignatureDirection direction);

// The upper bound of the lengths of the key's signatures.
Result<std::size_t> max_signature_size(EVP_PKEY* key);

// Whether `signature` over `data` is that of `key`. An error means that OpenSSL could not tell.
Result<bool> verify_signature(EVP_PKEY* key, const SignatureScheme& scheme, Bytes data, Bytes signature);

}  // namespace ocsp
