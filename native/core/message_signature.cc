#include "message_signature.h"

#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <climits>

#include "digest.h"
#include "error_queue.h"
#include "openssl_ptr.h"

namespace ocsp {

namespace {

// Enough for every thread of a machine; more contexts than that are thrown away.
constexpr std::size_t kMaxIdleContexts = 64;
// A key is used with one or two algorithms. More come from somebody who plays: OpenSSL ignores the parameters of most.
// The oldest makes room, and what is longer than any algorithm need be is not kept at all.
constexpr std::size_t kMaxAlgorithms = 4;
constexpr std::size_t kMaxAlgorithmSize = 128;

X509AlgorPtr parse_algorithm(Bytes algorithm) {
  if (algorithm.size() > LONG_MAX) return nullptr;
  const unsigned char* in = algorithm.data();
  X509AlgorPtr parsed(d2i_X509_ALGOR(nullptr, &in, static_cast<long>(algorithm.size())));
  return in == algorithm.data() + algorithm.size() ? std::move(parsed) : nullptr;
}

int signature_nid(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* oid = nullptr;
  X509_ALGOR_get0(&oid, nullptr, nullptr, algorithm);
  return OBJ_obj2nid(oid);
}

// What these keys sign is the hash of the message, and nothing else. (SM2 hashes the signer's identity, too.)
bool signs_hashes(int key_nid) { return key_nid == EVP_PKEY_RSA || key_nid == EVP_PKEY_EC || key_nid == EVP_PKEY_DSA; }

int security_bits(int md_nid) {
  if (md_nid == NID_undef) return -1;
  if (md_nid == NID_sha1) return 63;
  const auto md = fetch_digest(OBJ_nid2sn(md_nid));
  if (!md.ok()) return 0;
  // Every hash of 128 bits that OpenSSL has (MD2, MD4, MD5, MDC-2) is broken; the legacy provider offers them all.
  const int size = EVP_MD_get_size(md.value());
  return size <= 16 ? 39 : size * 4;
}

// The hash is in the parameters; SHA-1 where they do not say (RFC 4055 3.1).
int pss_security_bits(const X509_ALGOR* algorithm) {
  struct Deleter {
    void operator()(RSA_PSS_PARAMS* params) const { RSA_PSS_PARAMS_free(params); }
  };
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return 0;
  const std::unique_ptr<RSA_PSS_PARAMS, Deleter> params(static_cast<RSA_PSS_PARAMS*>(
      ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), ASN1_ITEM_rptr(RSA_PSS_PARAMS))));
  if (!params) return 0;
  return security_bits(params->hashAlgorithm == nullptr ? NID_sha1 : signature_nid(params->hashAlgorithm));
}

EvpPkeyPtr share(EVP_PKEY* key) { return EvpPkeyPtr(key != nullptr && EVP_PKEY_up_ref(key) == 1 ? key : nullptr); }

}  // namespace

SignatureVerifier::SignatureVerifier(EVP_PKEY* key) : key_(share(key)) {}

Result<bool> SignatureVerifier::verify(Bytes algorithm, Bytes data, Bytes signature, int* hash_bits) {
  if (!key_) return Error{ErrorCode::kUnsupportedAlgorithm, "OpenSSL cannot use the signer's public key"};
  ErrorQueueScope errors;
  Method method;
  Contexts contexts;
  int md_nid = NID_undef;
  const bool is_prepared = take(algorithm, method, contexts);
  if (!is_prepared) {
    const X509AlgorPtr parsed = parse_algorithm(algorithm);
    if (!parsed) return errors.take(ErrorCode::kMalformed, "the signature algorithm cannot be parsed");
    const int nid = signature_nid(parsed.get());
    int key_nid = NID_undef;
    const bool in_table = OBJ_find_sigid_algs(nid, &md_nid, &key_nid) == 1;
    const bool takes_hash = in_table && md_nid != NID_undef && signs_hashes(key_nid);
    const bool takes_message = in_table && md_nid == NID_undef && key_nid == nid && nid != EVP_PKEY_RSA_PSS;
    if (!takes_hash && !takes_message) {
      auto verified = verify_any(parsed.get(), data, signature);
      if (hash_bits != nullptr && verified.ok() && verified.value()) *hash_bits = hash_security_bits(parsed.get());
      return verified;
    }
    const char* key_type = OBJ_nid2sn(key_nid);
    if (key_type == nullptr || EVP_PKEY_is_a(key_.get(), key_type) != 1) {
      return Error{ErrorCode::kUnsupportedAlgorithm, "the signature algorithm does not go with the signer's key"};
    }
    if (takes_hash) {
      const auto fetched = fetch_digest(OBJ_nid2sn(md_nid));
      if (!fetched.ok()) return fetched.error();
      method.md = fetched.value();
    }
  }
  auto verified = method.md != nullptr ? verify_hash(method.md, contexts, data, signature)
                                       : verify_message(contexts, data, signature);
  if (!verified.ok() || !verified.value()) return verified;
  if (!is_prepared) method.hash_bits = security_bits(md_nid);
  if (hash_bits != nullptr) *hash_bits = method.hash_bits;
  // No one promises what contexts look like inside after a failure, so only those that have just worked are kept.
  keep(algorithm, method, std::move(contexts));
  return verified;
}

SignatureVerifier::Prepared* SignatureVerifier::find(Bytes algorithm) {
  for (Prepared& candidate : prepared_) {
    if (std::ranges::equal(candidate.algorithm, algorithm)) return &candidate;
  }
  return nullptr;
}

bool SignatureVerifier::take(Bytes algorithm, Method& method, Contexts& contexts) {
  const std::lock_guard lock(mutex_);
  Prepared* known = find(algorithm);
  if (known == nullptr) return false;
  method = known->method;
  if (!known->idle.empty()) {
    contexts = std::move(known->idle.back());
    known->idle.pop_back();
  }
  return true;
}

void SignatureVerifier::keep(Bytes algorithm, const Method& method, Contexts contexts) {
  if (algorithm.size() > kMaxAlgorithmSize) return;
  const std::lock_guard lock(mutex_);
  Prepared* known = find(algorithm);
  if (known == nullptr) {
    if (prepared_.size() == kMaxAlgorithms) prepared_.erase(prepared_.begin());
    prepared_.push_back({{algorithm.begin(), algorithm.end()}, method, {}});
    known = &prepared_.back();
  }
  if (known->idle.size() < kMaxIdleContexts) known->idle.push_back(std::move(contexts));
}

Result<bool> SignatureVerifier::verify_hash(const EVP_MD* md, Contexts& contexts, Bytes data, Bytes signature) const {
  ErrorQueueScope errors;
  if (!contexts.key) {
    contexts.hash.reset(EVP_MD_CTX_new());
    contexts.key.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    if (!contexts.hash || !contexts.key || EVP_PKEY_verify_init(contexts.key.get()) != 1 ||
        EVP_PKEY_CTX_set_signature_md(contexts.key.get(), md) != 1) {
      return errors.take(ErrorCode::kOpenssl, "OpenSSL refuses the signer's key with this hash");
    }
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned int length = 0;
  if (EVP_DigestInit_ex2(contexts.hash.get(), md, nullptr) != 1 ||
      EVP_DigestUpdate(contexts.hash.get(), data.data(), data.size()) != 1 ||
      EVP_DigestFinal_ex(contexts.hash.get(), hash.data(), &length) != 1) {
    return errors.take(ErrorCode::kOpenssl, "hashing failed");
  }
  // Only 1 is a yes; a negative return says that the signature is not even well-formed.
  return EVP_PKEY_verify(contexts.key.get(), signature.data(), signature.size(), hash.data(), length) == 1;
}

Result<bool> SignatureVerifier::verify_message(Contexts& contexts, Bytes data, Bytes signature) const {
  ErrorQueueScope errors;
  if (!contexts.message) {
    contexts.message.reset(EVP_MD_CTX_new());
    if (!contexts.message || EVP_DigestVerifyInit(contexts.message.get(), nullptr, nullptr, nullptr, key_.get()) != 1) {
      return errors.take(ErrorCode::kOpenssl, "OpenSSL refuses the signer's key");
    }
  }
  // A context verifies one message only (OpenSSL 3.5 refuses a second one), but copies of it are cheap.
  const EvpMdCtxPtr copy(EVP_MD_CTX_new());
  if (!copy || EVP_MD_CTX_copy_ex(copy.get(), contexts.message.get()) != 1) {
    return errors.take(ErrorCode::kOpenssl, "OpenSSL cannot copy a context");
  }
  return EVP_DigestVerify(copy.get(), signature.data(), signature.size(), data.data(), data.size()) == 1;
}

// OpenSSL's own way from an AlgorithmIdentifier to a verdict: for RSASSA-PSS, whose parameters say how, for SM2, and
// for what only a provider knows.
Result<bool> SignatureVerifier::verify_any(const X509_ALGOR* algorithm, Bytes data, Bytes signature) const {
  ErrorQueueScope errors;
  const Asn1BitStringPtr bits(ASN1_BIT_STRING_new());
  // An open type that holds a SEQUENCE encodes to the bytes that it was given.
  const Asn1TypePtr open(ASN1_TYPE_new());
  Asn1StringPtr octets(ASN1_STRING_type_new(V_ASN1_SEQUENCE));
  if (!bits || !open || !octets || data.size() > INT_MAX || signature.size() > INT_MAX ||
      ASN1_STRING_set(bits.get(), signature.data(), static_cast<int>(signature.size())) != 1 ||
      ASN1_STRING_set(octets.get(), data.data(), static_cast<int>(data.size())) != 1) {
    return errors.take(ErrorCode::kOpenssl, "the signature cannot be checked");
  }
  ASN1_TYPE_set(open.get(), V_ASN1_SEQUENCE, octets.release());
  const int verified = ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), algorithm, bits.get(), open.get(), key_.get());
  if (verified == 1) return true;
  // Negative: the algorithm is unknown, or does not go with the key.
  if (verified < 0) return errors.take(ErrorCode::kUnsupportedAlgorithm, "OpenSSL cannot check this kind of signature");
  return false;
}

int hash_security_bits(const X509_ALGOR* algorithm) {
  ErrorQueueScope errors;
  const int nid = signature_nid(algorithm);
  if (nid == NID_rsassaPss) return pss_security_bits(algorithm);
  int md_nid = NID_undef;
  int key_nid = NID_undef;
  if (OBJ_find_sigid_algs(nid, &md_nid, &key_nid) != 1) return -1;
  // ecdsa-with-Recommended, for one, leaves the hash to the key.
  return md_nid == NID_undef && key_nid != nid ? 0 : security_bits(md_nid);
}

}  // namespace ocsp
