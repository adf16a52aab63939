// Every signature algorithm that OpenSSL knows, with every kind of key: the verifier says what ASN1_item_verify says,
// which keeps nothing from one call to the next.
#include "core/message_signature.h"

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "check.h"
#include "core/openssl_ptr.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

struct Algorithm {
  std::string name;
  ByteVector der;
};

ByteVector algorithm_of(int nid, int parameters) {
  const X509AlgorPtr algorithm(X509_ALGOR_new());
  X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(nid), parameters, nullptr);
  return encoded(algorithm.get(), i2d_X509_ALGOR);
}

// All in OpenSSL's table, and some that are not; with NULL as parameters, and without parameters.
std::vector<Algorithm> algorithms() {
  std::vector<Algorithm> list;
  const auto add = [&](int nid) {
    const std::string name = OBJ_nid2sn(nid);
    list.push_back({name, algorithm_of(nid, V_ASN1_UNDEF)});
    list.push_back({name + " with NULL", algorithm_of(nid, V_ASN1_NULL)});
  };
  for (int nid = 1; nid < OBJ_new_nid(0); ++nid) {
    if (OBJ_nid2obj(nid) != nullptr && OBJ_find_sigid_algs(nid, nullptr, nullptr) == 1) add(nid);
  }
  ERR_clear_error();
  for (const int nid : {NID_rsaEncryption, NID_X9_62_id_ecPublicKey, NID_sha256, NID_X25519}) add(nid);
  return list;
}

X509AlgorPtr parse(const ByteVector& algorithm) {
  const unsigned char* in = algorithm.data();
  return X509AlgorPtr(d2i_X509_ALGOR(nullptr, &in, static_cast<long>(algorithm.size())));
}

bool openssl_verifies(const ByteVector& algorithm, const ByteVector& data, const ByteVector& signature, EVP_PKEY* key) {
  const X509AlgorPtr parsed = parse(algorithm);
  const Asn1BitStringPtr bits(ASN1_BIT_STRING_new());
  ASN1_BIT_STRING_set(bits.get(), const_cast<unsigned char*>(signature.data()), static_cast<int>(signature.size()));
  const unsigned char* in = data.data();
  const Asn1TypePtr any(d2i_ASN1_TYPE(nullptr, &in, static_cast<long>(data.size())));
  const bool verified = ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), parsed.get(), bits.get(), any.get(), key) == 1;
  ERR_clear_error();
  return verified;
}

struct Signature {
  std::string name;
  ByteVector bytes;
  ByteVector algorithm;  // what its signer calls it; empty when no one does
};

// As OpenSSL signs messages.
Signature sign_message(EVP_PKEY* key, const EVP_MD* md, const ByteVector& data) {
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // owned by the context
  std::size_t length = 0;
  if (EVP_DigestSignInit(context.get(), &parameters, md, nullptr, key) != 1) return {};
  Signature signature{{}, {}, ByteVector(256)};
  std::array<OSSL_PARAM, 2> wanted{
      OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, signature.algorithm.data(), 256),
      OSSL_PARAM_construct_end()};
  const bool named = EVP_PKEY_CTX_get_params(parameters, wanted.data()) == 1 && OSSL_PARAM_modified(wanted.data()) == 1;
  signature.algorithm.resize(named ? wanted[0].return_size : 0);
  if (EVP_DigestSign(context.get(), nullptr, &length, data.data(), data.size()) != 1) return {};
  signature.bytes.resize(length);
  if (EVP_DigestSign(context.get(), signature.bytes.data(), &length, data.data(), data.size()) != 1) return {};
  signature.bytes.resize(length);
  return signature;
}

// The bare hash, which is not what every key signs of a message.
ByteVector sign_hash(EVP_PKEY* key, const EVP_MD* md, const ByteVector& data) {
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned int size = 0;
  if (EVP_Digest(data.data(), data.size(), hash.data(), &size, md, nullptr) != 1 ||
      EVP_PKEY_sign_init(context.get()) != 1 || EVP_PKEY_CTX_set_signature_md(context.get(), md) != 1) {
    return {};
  }
  std::size_t length = 0;
  if (EVP_PKEY_sign(context.get(), nullptr, &length, hash.data(), size) != 1) return {};
  ByteVector signature(length);
  if (EVP_PKEY_sign(context.get(), signature.data(), &length, hash.data(), size) != 1) return {};
  signature.resize(length);
  return signature;
}

std::vector<Signature> signatures_of(EVP_PKEY* key, const ByteVector& data) {
  std::vector<Signature> list{
      {"no one, no bytes", {}, {}}, {"no one, one byte", {0}, {}}, {"no one, junk", random_bytes(64), {}}};
  const auto add = [&](const std::string& name, Signature signature) {
    if (signature.bytes.empty()) return;
    signature.name = name;
    list.push_back(std::move(signature));
  };
  add("the hash of its choice", sign_message(key, nullptr, data));
  for (const char* hash : {"SHA1", "SHA256", "SHA384", "SM3", "SHA3-256", "MD5"}) {
    const EvpMdPtr md(EVP_MD_fetch(nullptr, hash, nullptr));
    add(hash, sign_message(key, md.get(), data));
    add(std::string("a bare ") + hash, {{}, sign_hash(key, md.get(), data), {}});
  }
  ERR_clear_error();
  return list;
}

ByteVector message() {
  ByteVector data = random_bytes(100);
  data.insert(data.begin(), {0x30, 100});
  return data;
}

void test_key(const std::string& type, const std::vector<Algorithm>& all) {
  const EvpPkeyPtr key = make_key(type);
  if (!check(key != nullptr, type + ": OpenSSL makes such a key")) return;
  const ByteVector data = message();
  const ByteVector other = message();
  // One that has seen everything, and one for each question.
  SignatureVerifier experienced(key.get());
  int accepted = 0;
  const auto ask = [&](SignatureVerifier& verifier, const Algorithm& algorithm, const ByteVector& of,
                       const ByteVector& signature, int& bits) {
    const auto verified = verifier.verify(algorithm.der, of, signature, &bits);
    check(ERR_peek_error() == 0, type + ", " + algorithm.name + ": the error queue is empty");
    return verified.ok() && verified.value();
  };
  const auto signatures = signatures_of(key.get(), data);
  for (const Signature& signature : signatures) {
    std::vector<Algorithm> asked = all;
    if (!signature.algorithm.empty()) asked.push_back({"its own", signature.algorithm});
    for (const Algorithm& algorithm : asked) {
      const std::string name = type + ", " + algorithm.name + ", signature by " + signature.name;
      const bool expected = openssl_verifies(algorithm.der, data, signature.bytes, key.get());
      accepted += static_cast<int>(expected);
      SignatureVerifier fresh(key.get());
      int fresh_bits = -2;
      check(ask(fresh, algorithm, data, signature.bytes, fresh_bits) == expected, name);
      for (int i = 0; i < 2; ++i) {
        int bits = -2;
        check(ask(experienced, algorithm, data, signature.bytes, bits) == expected, name + ", again");
        check(!expected || bits == fresh_bits, name + ": the same strength");
        check(!ask(experienced, algorithm, other, signature.bytes, bits), name + ", of another message");
      }
      if (!expected) continue;
      check(fresh_bits == hash_security_bits(parse(algorithm.der).get()), name + ": the strength of its hash");
    }
  }
  check(accepted > 0, type + ": some are accepted");
  const auto is_bare = [](const Signature& signature) { return signature.name == "a bare SM3"; };
  if (type == "SM2") check(std::ranges::any_of(signatures, is_bare), "a bare hash is among the signatures by SM2");
}

// The key chooses the hash: no one can say how strong it is.
void test_unnamed_hash() {
  const EvpPkeyPtr key = make_key("P-256");
  const ByteVector data = message();
  const ByteVector signature = sign_message(key.get(), nullptr, data).bytes;
  for (const int nid : {NID_ecdsa_with_Recommended, NID_ecdsa_with_Specified}) {
    const ByteVector algorithm = algorithm_of(nid, V_ASN1_UNDEF);
    int bits = -2;
    const auto verified = SignatureVerifier(key.get()).verify(algorithm, data, signature, &bits);
    check(verified.ok() && verified.value() && bits == 0, std::string(OBJ_nid2sn(nid)) + " has no strength");
  }
}

// OpenSSL ignores the parameters of EdDSA, so one key may meet more algorithms than are kept, and long ones.
void test_many_algorithms() {
  const EvpPkeyPtr key = make_key("ED25519");
  const ByteVector data = message();
  const ByteVector signature = sign_message(key.get(), nullptr, data).bytes;
  SignatureVerifier verifier(key.get());
  for (int round = 0; round < 2; ++round) {
    for (unsigned char length = 0; length <= 120; length += 6) {
      ByteVector algorithm{0x30, static_cast<unsigned char>(7 + length), 6, 3, 0x2b, 0x65, 0x70, 4, length};
      algorithm.resize(algorithm.size() + length);
      const auto verified = verifier.verify(algorithm, data, signature);
      check(verified.ok() && verified.value() == openssl_verifies(algorithm, data, signature, key.get()),
            "EdDSA with parameters, as OpenSSL has it");
    }
  }
}

}  // namespace

int main() {
  const auto all = algorithms();
  check(all.size() > 80, "OpenSSL has a table of algorithms");
  for (const char* type : {"RSA", "RSA-PSS", "DSA", "P-256", "P-384", "SM2", "ED25519", "ED448"}) test_key(type, all);
  test_unnamed_hash();
  test_many_algorithms();
  return check.finish();
}
