// What the core writes, byte for byte against what OpenSSL writes of the same values.
#include <openssl/ocsp.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <ctime>

#include "check.h"
#include "core/message_writer.h"
#include "core/response_signer.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

struct Values {
  CertIdFields id;
  ByteVector name_hash, key_hash, serial;
  const EVP_MD* md = nullptr;
};

const EVP_MD* kDigests[] = {EVP_sha1(), EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512()};

Values random_cert_id() {
  Values values;
  values.id.hash = static_cast<int>(below(kCertIdHashCount));
  values.md = kDigests[values.id.hash];
  values.name_hash = random_bytes(static_cast<std::size_t>(EVP_MD_get_size(values.md)));
  values.key_hash = random_bytes(values.name_hash.size());
  values.serial = random_serial(1 + below(100));
  values.id.issuer_name_hash = values.name_hash;
  values.id.issuer_key_hash = values.key_hash;
  values.id.serial = values.serial;
  return values;
}

// The same CertID by OpenSSL. Its constructors hash names and keys themselves, so an encoding is decoded and patched.
OCSP_CERTID* openssl_cert_id(const Values& values) {
  X509_NAME* name = X509_NAME_new();
  ASN1_BIT_STRING* key = ASN1_BIT_STRING_new();
  BIGNUM* number = BN_bin2bn(values.serial.data(), static_cast<int>(values.serial.size()), nullptr);
  ASN1_INTEGER* serial = BN_to_ASN1_INTEGER(number, nullptr);
  OCSP_CERTID* id = OCSP_cert_id_new(values.md, name, key, serial);
  ASN1_OCTET_STRING *name_hash = nullptr, *key_hash = nullptr;
  OCSP_id_get0_info(&name_hash, nullptr, &key_hash, nullptr, id);
  ASN1_OCTET_STRING_set(name_hash, values.name_hash.data(), static_cast<int>(values.name_hash.size()));
  ASN1_OCTET_STRING_set(key_hash, values.key_hash.data(), static_cast<int>(values.key_hash.size()));
  ASN1_INTEGER_free(serial);
  BN_free(number);
  ASN1_BIT_STRING_free(key);
  X509_NAME_free(name);
  return id;
}

void test_requests() {
  for (int round = 0; round < 500; ++round) {
    const std::size_t count = 1 + below(4);
    std::vector<Values> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(random_cert_id());
    std::vector<RequestEntryFields> entries;
    const OcspRequestPtr request(OCSP_REQUEST_new());
    for (const Values& value : values) {
      entries.push_back({value.id, {}});
      OCSP_request_add0_id(request.get(), openssl_cert_id(value));
    }
    check(write_request(entries, {}, {}) == encoded(request.get(), i2d_OCSP_REQUEST), "request equals OpenSSL's");
  }
}

// Seconds from year 1 to 9999, with the awkward ones more often than chance would have them.
std::int64_t random_time() {
  constexpr std::int64_t kAwkward[] = {-62135596800, -631152001, -631152000, -1,         0,
                                       951782399,    951782400,  2524607999, 2524608000, 253402300799};
  if (below(4) == 0) return kAwkward[below(std::size(kAwkward))];
  return -62135596800 + static_cast<std::int64_t>(below(315537897600));
}

ASN1_GENERALIZEDTIME* openssl_time(std::int64_t seconds) { return ASN1_GENERALIZEDTIME_set(nullptr, seconds); }

const char* kKeyTypes[] = {"RSA", "ED25519", "P-256", "DSA", "RSA-PSS", "ED448"};

// One response by OCSP_basic_sign_ctx with the values of `entry`, and by ResponseSigner; equal but for the signature
// where that is random. producedAt is the time of signing in OpenSSL, so ours is set to what OpenSSL took.
void test_response(const std::string& type, const Identity& responder, bool by_name, bool embed) {
  const Values values = random_cert_id();
  StatusEntry entry;
  entry.serial = values.serial;
  entry.cert_status = static_cast<int>(below(3));
  entry.this_update = random_time();
  if (below(2) == 0) entry.next_update = random_time();
  entry.revocation_time = random_time();
  if (entry.cert_status == 1 && below(2) == 0) entry.revocation_reason = static_cast<int>(below(11));

  const bool hashless = type.rfind("ED", 0) == 0;
  SignatureScheme scheme{hashless ? "" : "SHA256", type == "RSA-PSS", -1};

  const OcspBasicRespPtr basic(OCSP_BASICRESP_new());
  OCSP_CERTID* id = openssl_cert_id(values);
  ASN1_TIME* this_update = openssl_time(entry.this_update);
  ASN1_TIME* next_update = entry.next_update ? openssl_time(*entry.next_update) : nullptr;
  ASN1_TIME* revoked = openssl_time(entry.revocation_time);
  OCSP_basic_add1_status(basic.get(), id, entry.cert_status, entry.revocation_reason, revoked, this_update,
                         next_update);
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  EVP_DigestSignInit(context.get(), &key_context, hashless ? nullptr : EVP_sha256(), nullptr, responder.pkey.get());
  if (scheme.pss) EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST);
  const unsigned long flags = (by_name ? 0 : OCSP_RESPID_KEY) | (embed ? 0 : OCSP_NOCERTS);
  const bool signed_it = OCSP_basic_sign_ctx(basic.get(), responder.x509.get(), context.get(), nullptr, flags) == 1;
  check(signed_it, "OpenSSL signs with " + type);
  const OcspResponsePtr response(OCSP_response_create(0, basic.get()));
  const ByteVector theirs = encoded(response.get(), i2d_OCSP_RESPONSE);

  std::tm produced{};
  ASN1_TIME_to_tm(OCSP_resp_get0_produced_at(basic.get()), &produced);
  auto profile = std::make_shared<SignerProfile>();
  profile->key = responder.key;
  profile->responder = responder.certificate;
  profile->scheme = scheme;
  profile->responder_id_tag = by_name ? 1 : 2;
  profile->cert_id_hash = values.id.hash;
  profile->issuer_name_hash = values.name_hash;
  profile->issuer_key_hash = values.key_hash;
  if (embed) profile->certificates.push_back(responder.certificate);
  auto signer = ResponseSigner::create(profile);
  if (check(signer.ok(), "a signer for " + type)) {
    const auto made = signer.value()->sign(entry, timegm(&produced));
    if (check(made.ok(), "we sign with " + type)) {
      const ByteVector ours(made.value().begin(), made.value().end());
      if (type == "RSA" || hashless) {
        check(ours == theirs, "response equals OpenSSL's: " + type);
      } else {
        // Everything before the signature, lengths aside: ResponseData and AlgorithmIdentifier.
        const unsigned char* in = ours.data();
        const OcspResponsePtr parsed(d2i_OCSP_RESPONSE(nullptr, &in, static_cast<long>(ours.size())));
        const OcspBasicRespPtr mine(parsed ? OCSP_response_get1_basic(parsed.get()) : nullptr);
        if (check(mine != nullptr, "OpenSSL reads our response: " + type)) {
          check(encoded(OCSP_resp_get0_respdata(mine.get()), i2d_OCSP_RESPDATA) ==
                    encoded(OCSP_resp_get0_respdata(basic.get()), i2d_OCSP_RESPDATA),
                "ResponseData equals OpenSSL's: " + type);
          check(encoded(OCSP_resp_get0_tbs_sigalg(mine.get()), i2d_X509_ALGOR) ==
                    encoded(OCSP_resp_get0_tbs_sigalg(basic.get()), i2d_X509_ALGOR),
                "AlgorithmIdentifier equals OpenSSL's: " + type);
        }
      }
      const auto verified = signer.value()->verify_last();
      check(verified.ok() && verified.value(), "our signature verifies: " + type);
    }
  }
  ASN1_TIME_free(revoked);
  ASN1_TIME_free(next_update);
  ASN1_TIME_free(this_update);
  OCSP_CERTID_free(id);
}

}  // namespace

int main() {
  test_requests();
  for (const char* type : kKeyTypes) {
    // Certificate sizes on both sides of every form of the length bytes.
    for (const std::size_t padding : {0, 1, 60, 127, 128, 255, 256, 65535, 65536}) {
      if (padding != 0 && std::string(type) != "RSA" && std::string(type) != "ED25519") continue;
      const Identity responder = make_identity(type, padding);
      for (int round = 0; round < 40; ++round) test_response(type, responder, below(2) == 0, below(2) == 0);
    }
  }
  return check.finish();
}
