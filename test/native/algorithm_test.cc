// Signatures of every kind of key and hash: the AlgorithmIdentifier is what OCSP_basic_sign_ctx writes, OpenSSL
// verifies the whole response, and what cannot be is refused on both sides.
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "check.h"
#include "core/message_writer.h"
#include "core/private_key.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

std::string text(const SignatureScheme& scheme, const std::string& type) {
  return type + " " + scheme.hash + (scheme.pss ? " PSS salt " + std::to_string(scheme.salt_length) : "");
}

// A BasicOCSPResponse with one entry, signed by OpenSSL; null where OpenSSL refuses.
OcspBasicRespPtr openssl_signs(const Identity& identity, const SignatureScheme& scheme) {
  OcspBasicRespPtr basic(OCSP_BASICRESP_new());
  OCSP_CERTID* id = OCSP_cert_to_id(nullptr, identity.x509.get(), identity.x509.get());
  ASN1_TIME* now = ASN1_TIME_set(nullptr, 1'700'000'000);
  OCSP_basic_add1_status(basic.get(), id, V_OCSP_CERTSTATUS_GOOD, 0, nullptr, now, nullptr);
  ASN1_TIME_free(now);
  OCSP_CERTID_free(id);
  const EvpMdPtr md(scheme.hash.empty() ? nullptr : EVP_MD_fetch(nullptr, scheme.hash.c_str(), nullptr));
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key = nullptr;  // owned by the context
  if (EVP_DigestSignInit(context.get(), &key, md.get(), nullptr, identity.pkey.get()) != 1) return nullptr;
  if (scheme.pss) {
    const int salt = scheme.salt_length < 0 ? RSA_PSS_SALTLEN_DIGEST : scheme.salt_length;
    if (EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) <= 0) return nullptr;
    if (EVP_PKEY_CTX_set_rsa_pss_saltlen(key, salt) <= 0) return nullptr;
  }
  const int done = OCSP_basic_sign_ctx(basic.get(), identity.x509.get(), context.get(), nullptr, OCSP_RESPID_KEY);
  return done == 1 ? std::move(basic) : nullptr;
}

// The signature alone, by the embedded certificate. OpenSSL 3.0 does not verify all that it signs (ECDSA with SHA-3).
bool openssl_verifies(OCSP_BASICRESP* basic) {
  X509_STORE* store = X509_STORE_new();
  const bool verified = OCSP_basic_verify(basic, nullptr, store, OCSP_NOVERIFY) == 1;
  X509_STORE_free(store);
  ERR_clear_error();
  return verified;
}

void test_scheme(const std::string& type, const Identity& identity, const SignatureScheme& scheme) {
  const std::string name = text(scheme, type);
  const OcspBasicRespPtr theirs = openssl_signs(identity, scheme);
  ERR_clear_error();
  const ByteVector data = theirs ? encoded(OCSP_resp_get0_respdata(theirs.get()), i2d_OCSP_RESPDATA) : random_bytes(80);
  const auto ours = identity.key->sign(scheme, data);
  check(ERR_peek_error() == 0, name + ": the error queue is empty");
  if (theirs == nullptr && scheme.pss && scheme.hash.rfind("SHA3-", 0) == 0 && ours.ok()) {
    // OpenSSL 3.0 signs so, but cannot write the parameters.
    const auto verified = verify_signature(identity.pkey.get(), scheme, data, ours.value().value);
    check(verified.ok() && verified.value(), name + ": our signature verifies");
    return;
  }
  if (theirs == nullptr) {
    check(!ours.ok() && !ours.error().message.empty(), name + ": refused as OpenSSL refuses it");
    return;
  }
  if (!check(ours.ok(), name + ": signed as OpenSSL signs it")) return;
  check(ours.value().algorithm == encoded(OCSP_resp_get0_tbs_sigalg(theirs.get()), i2d_X509_ALGOR),
        name + ": AlgorithmIdentifier");
  const auto verified = verify_signature(identity.pkey.get(), scheme, data, ours.value().value);
  check(verified.ok() && verified.value(), name + ": we verify our signature");
  const ASN1_OCTET_STRING* signature = OCSP_resp_get0_signature(theirs.get());
  const Bytes their_signature = {ASN1_STRING_get0_data(signature),
                                 static_cast<std::size_t>(ASN1_STRING_length(signature))};
  const auto verified_theirs = verify_signature(identity.pkey.get(), scheme, data, their_signature);
  check(verified_theirs.ok() && verified_theirs.value(), name + ": we verify OpenSSL's signature");
  ByteVector wrong = data;
  wrong.back() ^= 1;
  const auto refuted = verify_signature(identity.pkey.get(), scheme, wrong, ours.value().value);
  check(refuted.ok() && !refuted.value(), name + ": changed data do not verify");

  const ByteVector certificate = der_of(identity.x509.get());
  const ByteVector message = write_response(data, ours.value().algorithm, ours.value().value, {certificate});
  const unsigned char* in = message.data();
  const OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &in, static_cast<long>(message.size())));
  const OcspBasicRespPtr basic(response ? OCSP_response_get1_basic(response.get()) : nullptr);
  if (!check(basic != nullptr, name + ": OpenSSL reads the response")) return;
  check(openssl_verifies(basic.get()) == openssl_verifies(theirs.get()), name + ": OpenSSL verifies it like its own");
  ERR_clear_error();
}

const char* kHashes[] = {"SHA1",       "SHA224",   "SHA256",   "SHA384",   "SHA512",  "SHA512-224",
                         "SHA512-256", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"};

// An RSA-PSS key that allows one hash and no shorter salt.
Identity restricted_pss() {
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr));
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), 2048);
  EVP_PKEY_CTX_set_rsa_pss_keygen_md(context.get(), EVP_sha384());
  EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(context.get(), EVP_sha384());
  EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(context.get(), 40);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_keygen(context.get(), &key);
  return make_identity(EvpPkeyPtr(key), EVP_sha384());
}

}  // namespace

int main() {
  for (const char* type : {"RSA", "P-256", "P-384", "P-521", "secp256k1", "DSA"}) {
    const Identity identity = make_identity(type);
    for (const char* hash : kHashes) test_scheme(type, identity, {hash, false, -1});
    test_scheme(type, identity, {"SHA256", true, -1});
  }
  for (const char* type : {"ED25519", "ED448"}) {
    const Identity identity = make_identity(type);
    test_scheme(type, identity, {"", false, -1});
    test_scheme(type, identity, {"SHA256", false, -1});
  }
  for (const char* type : {"RSA", "RSA-PSS"}) {
    const Identity identity = make_identity(type);
    for (const char* hash : kHashes) {
      // SHA-1 as the hash of PSS is the default that OpenSSL leaves out; it is refused before this layer.
      if (std::string(hash) == "SHA1") continue;
      for (const int salt : {-1, 0, 1, 19, 20, 21, 32, 127, 128, 160, 190, 222, 223, 5000}) {
        test_scheme(type, identity, {hash, true, salt});
      }
    }
  }
  const Identity restricted = restricted_pss();
  for (const char* hash : {"SHA256", "SHA384", "SHA512"}) {
    for (const int salt : {-1, 20, 39, 40, 41, 48}) test_scheme("RSA-PSS (SHA384, 40)", restricted, {hash, true, salt});
  }
  return check.finish();
}
