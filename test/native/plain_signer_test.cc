// What is read of signers' certificates and keys without OpenSSL, against what OpenSSL says of the same bytes.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "check.h"
#include "core/path_validator.h"
#include "core/pem.h"
#include "core/plain_key.h"
#include "core/signer_certificate.h"
#include "fixtures.h"
#include "mutate.h"
#include "signer_oracle.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;
int rounds = 1500;

ByteVector mutant_of(Bytes message) {
  return below(4) == 0 ? mutate::octets({message.begin(), message.end()}, fixtures::random())
                       : mutate::elements(message, fixtures::random());
}

ByteVector element(std::uint8_t tag, const ByteVector& content) {
  unsigned char* der = nullptr;
  const int size = ASN1_object_size(1, static_cast<int>(content.size()), tag & 0x1f);
  ByteVector bytes(static_cast<std::size_t>(size));
  der = bytes.data();
  ASN1_put_object(&der, (tag & 0x20) != 0 ? 1 : 0, static_cast<int>(content.size()), tag & 0x1f, tag & 0xc0);
  std::ranges::copy(content, der);
  return bytes;
}

ByteVector joined(std::initializer_list<Bytes> parts) {
  ByteVector all;
  for (const Bytes part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

using Extensions = std::vector<std::pair<int, const char*>>;

ByteVector make_der(const char* subject, EVP_PKEY* key, const char* issuer, EVP_PKEY* issuer_key, X509* issuer_x509,
                    const Extensions& extensions) {
  const X509Ptr x509(X509_new());
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 77);
  const auto name = [](X509_NAME* out, const char* text) {
    X509_NAME_add_entry_by_txt(out, "O", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("Test"), -1, -1, 0);
    X509_NAME_add_entry_by_txt(out, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text), -1, -1, 0);
  };
  name(X509_get_subject_name(x509.get()), subject);
  name(X509_get_issuer_name(x509.get()), issuer);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer_x509 == nullptr ? x509.get() : issuer_x509, x509.get(), nullptr, nullptr, 0);
  for (const auto& [nid, value] : extensions) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    if (!check(extension != nullptr, std::string("extension ") + value)) continue;
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  const bool hashes = EVP_PKEY_is_a(issuer_key, "RSA") == 1 || EVP_PKEY_is_a(issuer_key, "EC") == 1;
  check(X509_sign(x509.get(), issuer_key, hashes ? EVP_sha256() : nullptr) > 0, "signed");
  return der_of(x509.get());
}

// The certificate with another tbsCertificate, signed by an Ed25519 key.
ByteVector signed_again(const ByteVector& tbs, EVP_PKEY* key) {
  const ByteVector algorithm = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  ByteVector bits(65);
  std::size_t size = 64;
  EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key);
  EVP_DigestSign(context.get(), bits.data() + 1, &size, tbs.data(), tbs.size());
  return element(0x30, joined({tbs, algorithm, element(0x03, bits)}));
}

ByteVector tbs_of(Bytes der) {
  const auto plain = read_plain_certificate(der);
  check(plain.has_value(), "the certificate is plain");
  return plain ? ByteVector(plain->tbs.begin(), plain->tbs.end()) : ByteVector();
}

std::shared_ptr<SignerCertificate> signer_of(Bytes der) {
  auto parsed = Certificate::parse(der);
  if (!parsed.ok()) return nullptr;
  auto signer = SignerCertificate::make(std::move(parsed.value()));
  return signer.ok() ? std::move(signer.value()) : nullptr;
}

// Whether the signer's certificate was read without OpenSSL.
bool compare(Bytes der) {
  const auto signer = signer_of(der);
  if (!signer) return false;
  const std::string difference = oracle::judge_signer(*signer);
  check(difference.empty(), difference);
  return signer->is_plain();
}

const Extensions kCa = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                        {NID_key_usage, "critical,keyCertSign,cRLSign"},
                        {NID_subject_key_identifier, "hash"}};
const Extensions kDelegate = {{NID_basic_constraints, "CA:FALSE"},         {NID_key_usage, "critical,digitalSignature"},
                              {NID_ext_key_usage, "critical,OCSPSigning"}, {NID_subject_key_identifier, "hash"},
                              {NID_authority_key_identifier, "keyid"},     {NID_subject_alt_name, "DNS:ocsp.example"},
                              {NID_id_pkix_OCSP_noCheck, "ignored"}};

void test_keys() {
  for (const char* type : {"RSA", "P-256", "P-384", "P-521", "ED25519", "ED448", "secp256k1", "RSA-PSS", "X25519"}) {
    const std::string name = type;
    const EvpPkeyPtr key = make_key(name);
    const ByteVector element = encoded(key.get(), i2d_PUBKEY);
    const bool is_usual = name != "secp256k1" && name != "RSA-PSS" && name != "X25519";
    check((read_plain_key(element) != nullptr) == is_usual, "plain: " + name);
    int plain = 0;
    for (int round = 0; round < rounds; ++round) {
      const ByteVector mutant = round == 0 ? element : mutant_of(element);
      const EvpPkeyPtr read = read_plain_key(mutant);
      if (!read) continue;
      ++plain;
      const unsigned char* in = mutant.data();
      const EvpPkeyPtr expected(d2i_PUBKEY(nullptr, &in, static_cast<long>(mutant.size())));
      check(expected && in == mutant.data() + mutant.size() && EVP_PKEY_eq(read.get(), expected.get()) == 1 &&
                encoded(read.get(), i2d_PUBKEY) == mutant,
            "the same key: " + name);
    }
    check(plain > 0 || !is_usual, "mutants that are plain: " + name);
    const auto kept = PlainKey::of(element);
    check((kept != nullptr) == is_usual && PlainKey::of(element) == kept, "a key that is kept: " + name);
    for (int round = 0; kept && round < rounds; ++round) {
      const ByteVector mutant = mutant_of(element);
      const auto other = PlainKey::of(mutant);
      const EvpPkeyPtr expected = read_plain_key(mutant);
      check((other != nullptr) == (expected != nullptr) && (other == kept) == (mutant == element),
            "other bytes are another key: " + name);
      check(!other || EVP_PKEY_eq(other->verifier().key(), expected.get()) == 1, "the key of its bytes: " + name);
    }
    // A point that is none of the curve.
    if (name.rfind("P-", 0) == 0) {
      ByteVector off = element;
      off.back() ^= 1;
      check(read_plain_key(off) == nullptr, "no point: " + name);
    }
  }
  ERR_clear_error();
}

void test_signers() {
  int plain = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("test/vectors")) {
    if (!entry.is_regular_file()) continue;
    const auto blocks = read_pem(read_file(entry.path()));
    if (!blocks.ok()) continue;
    for (const auto& [name, der] : blocks.value()) {
      if (name != PEM_STRING_X509) continue;
      compare(der);
      for (int round = 0; round < rounds / 50; ++round) plain += compare(mutant_of(der)) ? 1 : 0;
    }
  }
  check(plain > 0, "mutants of the corpora that are plain");
  for (const char* type : {"RSA", "P-256", "ED25519"}) {
    const EvpPkeyPtr key = make_key(type);
    for (const Extensions& extensions :
         {kCa, kDelegate, Extensions{}, Extensions{{NID_key_usage, "keyCertSign"}},
          Extensions{{NID_basic_constraints, "CA:TRUE"}, {NID_key_usage, "cRLSign"}},
          Extensions{{NID_basic_constraints, "CA:TRUE"}, {NID_name_constraints, "permitted;DNS:example"}},
          Extensions{{NID_netscape_cert_type, "sslCA"}}, Extensions{{NID_ext_key_usage, "anyExtendedKeyUsage"}}}) {
      const ByteVector der = make_der("signer", key.get(), "signer", key.get(), nullptr, extensions);
      compare(der);
      for (int round = 0; round < rounds / 5; ++round) plain += compare(mutant_of(der)) ? 1 : 0;
    }
  }
  check(plain > rounds / 10, "mutants that are plain: " + std::to_string(plain));
}

// A path that needs no OpenSSL is one that OpenSSL finds valid.
void test_paths() {
  const EvpPkeyPtr ca_key = make_key("ED25519");
  const EvpPkeyPtr key = make_key("ED25519");
  const ByteVector ca = make_der("CA", ca_key.get(), "CA", ca_key.get(), nullptr, kCa);
  const unsigned char* in = ca.data();
  const X509Ptr ca_x509(d2i_X509(nullptr, &in, static_cast<long>(ca.size())));
  const ByteVector delegate = make_der("delegate", key.get(), "CA", ca_key.get(), ca_x509.get(), kDelegate);
  const ByteVector ca_tbs = tbs_of(ca);
  const ByteVector delegate_tbs = tbs_of(delegate);
  const VerifierOptions options;
  PathValidator quick(options);
  VerifierOptions asking;
  asking.path_flags = X509_V_FLAG_TRUSTED_FIRST;  // which is the default: it only makes OpenSSL be asked
  PathValidator slow(asking);
  const std::vector<Range> embedded;
  int plain = 0;
  int other = 0;
  for (int round = 0; round < rounds * 2; ++round) {
    const int what = round < 3 ? round : static_cast<int>(below(3));
    const auto issuer = signer_of(what == 1 ? signed_again(mutant_of(ca_tbs), ca_key.get()) : ca);
    const auto target = signer_of(what == 2 ? signed_again(mutant_of(delegate_tbs), ca_key.get()) : delegate);
    if (!issuer || !target) continue;
    const std::int64_t at = static_cast<std::int64_t>(below(3)) * 5000 - 5000 + (target->not_before() + 3600);
    const PathQuestion question{target, issuer, at, {}, embedded};
    const PathAnswer one = quick.validate(question);
    const PathAnswer two = slow.validate(question);
    check(one.outcome == two.outcome, "outcomes of a path: " + std::to_string(static_cast<int>(one.outcome)) + " and " +
                                          std::to_string(static_cast<int>(two.outcome)));
    (issuer->is_plain_anchor_of(*target) ? plain : other) += 1;
  }
  check(plain > rounds / 10 && other > rounds / 10,
        "plain paths and others: " + std::to_string(plain) + ", " + std::to_string(other));
  // By another key, with the same names.
  const EvpPkeyPtr another = make_key("ED25519");
  const auto target = signer_of(signed_again(delegate_tbs, another.get()));
  const auto issuer = signer_of(ca);
  check(target && issuer && !issuer->is_plain_anchor_of(*target), "signed by another key");
}

}  // namespace

int main() {
  if (const char* given = std::getenv("OCSP_MUTATION_ROUNDS"))
    rounds = static_cast<int>(std::strtol(given, nullptr, 10));
  test_keys();
  test_signers();
  test_paths();
  check(ERR_peek_error() == 0, "the error queue is empty");
  return check.finish();
}
