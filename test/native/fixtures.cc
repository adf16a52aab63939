#include "fixtures.h"

#include <openssl/dsa.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

namespace fixtures {

using namespace ocsp;

ByteVector random_bytes(std::size_t count) {
  // Eight at a time: some programs take millions.
  std::vector<std::uint64_t> words((count + 7) / 8);
  for (auto& word : words) word = random()();
  const auto* first = reinterpret_cast<const std::uint8_t*>(words.data());
  return {first, first + count};
}

int repeated(int count) {
  const char* factor = std::getenv("OCSP_TEST_REPEATED");
  return std::max(1, static_cast<int>(count * (factor == nullptr ? 1.0 : std::strtod(factor, nullptr))));
}

ByteVector read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

namespace {

ByteVector from_base64(const std::string& text) {
  ByteVector bytes;
  std::uint32_t bits = 0;
  int count = 0;
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) continue;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> (count -= 8)));
  }
  return bytes;
}

ByteVector from_hex(const std::string& text) {
  ByteVector bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::strtoul(text.substr(i, 2).c_str(), nullptr, 16)));
  }
  return bytes;
}

// The strings of a JSON file that start behind `key`.
std::vector<std::string> json_strings(const std::string& text, const std::string& key) {
  std::vector<std::string> found;
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at)) {
    at += key.size();
    found.push_back(text.substr(at, text.find('"', at) - at));
  }
  return found;
}

}  // namespace

std::vector<Message> corpus() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("test/vectors")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());  // for the random numbers to meet the same files everywhere
  std::vector<Message> messages;
  for (const auto& path : files) {
    const std::string name = path.filename().string();
    const std::string type = path.extension().string();
    ByteVector bytes = read_file(path);
    const std::string text(bytes.begin(), bytes.end());
    if (type == ".der" || type == ".bin") {
      messages.push_back({name, std::move(bytes)});
    } else if (type == ".ors") {
      messages.push_back({name, from_base64(text)});
    } else if (name == "cases.json") {
      for (const auto& hex : json_strings(text, "\"der_hex\": \"")) messages.push_back({name, from_hex(hex)});
    } else if (name == "seeds.json") {
      for (const auto& base64 : json_strings(text, "\": \"")) messages.push_back({name, from_base64(base64)});
    }
  }
  return messages;
}

EvpPkeyPtr make_key(const std::string& type) {
  if (type.rfind("P-", 0) == 0 || type.rfind("secp", 0) == 0) return EvpPkeyPtr(EVP_EC_gen(type.c_str()));
  if (type == "RSA") return EvpPkeyPtr(EVP_RSA_gen(2048));
  if (type == "DSA") {
    const EvpPkeyCtxPtr parameter_context(EVP_PKEY_CTX_new_from_name(nullptr, "DSA", nullptr));
    EVP_PKEY_paramgen_init(parameter_context.get());
    EVP_PKEY_CTX_set_dsa_paramgen_bits(parameter_context.get(), 1024);
    EVP_PKEY* parameters = nullptr;
    EVP_PKEY_paramgen(parameter_context.get(), &parameters);
    const EvpPkeyPtr owned(parameters);
    const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, parameters, nullptr));
    EVP_PKEY* key = nullptr;
    EVP_PKEY_keygen_init(context.get());
    EVP_PKEY_keygen(context.get(), &key);
    return EvpPkeyPtr(key);
  }
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type.c_str(), nullptr));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_keygen_init(context.get());
  if (type == "RSA-PSS") EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), 2048);
  EVP_PKEY_keygen(context.get(), &key);
  return EvpPkeyPtr(key);
}

ByteVector pkcs8_of(EVP_PKEY* key) {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(key));
  unsigned char* der = nullptr;
  const int length = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der);
  ByteVector bytes(der, der + length);
  OPENSSL_free(der);
  return bytes;
}

X509Ptr make_certificate(EVP_PKEY* key, std::size_t padding, const EVP_MD* md) {
  X509Ptr x509(X509_new());
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509.get()), below(UINT64_MAX));
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_NAME* name = X509_get_subject_name(x509.get());
  const auto* text = reinterpret_cast<const unsigned char*>("Test responder");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0);
  X509_set_issuer_name(x509.get(), name);
  X509_set_pubkey(x509.get(), key);
  if (padding != 0) {
    ASN1_OBJECT* oid = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    const ByteVector content(padding, 0x05);
    ASN1_OCTET_STRING_set(value, content.data(), static_cast<int>(content.size()));
    X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, oid, 0, value);
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
  }
  const char* type = EVP_PKEY_get0_type_name(key);
  const bool hashless = std::string(type).rfind("ED", 0) == 0;
  X509_sign(x509.get(), key, hashless ? nullptr : md);
  return x509;
}

namespace {

Identity identity_of(EvpPkeyPtr pkey, X509Ptr x509) {
  Identity identity;
  auto key = PrivateKey::parse(pkcs8_of(pkey.get()));
  auto certificate = Certificate::parse(der_of(x509.get()));
  if (!key.ok() || !certificate.ok()) std::abort();
  identity.pkey = std::move(pkey);
  identity.x509 = std::move(x509);
  identity.key = key.value();
  identity.certificate = certificate.value();
  return identity;
}

}  // namespace

Identity make_identity(const std::string& type, std::size_t padding) {
  EvpPkeyPtr key = make_key(type);
  X509Ptr x509 = make_certificate(key.get(), padding);
  return identity_of(std::move(key), std::move(x509));
}

Identity make_identity(EvpPkeyPtr key, const EVP_MD* md) {
  X509Ptr x509 = make_certificate(key.get(), 0, md);
  return identity_of(std::move(key), std::move(x509));
}

bool is_signed_by(Bytes response, X509* signer) {
  const unsigned char* in = response.data();
  OCSP_RESPONSE* parsed = d2i_OCSP_RESPONSE(nullptr, &in, static_cast<long>(response.size()));
  OCSP_BASICRESP* basic = parsed == nullptr ? nullptr : OCSP_response_get1_basic(parsed);
  STACK_OF(X509)* signers = sk_X509_new_null();
  sk_X509_push(signers, signer);
  const bool good = basic != nullptr && OCSP_basic_verify(basic, signers, nullptr, OCSP_NOVERIFY) == 1;
  sk_X509_free(signers);
  OCSP_BASICRESP_free(basic);
  OCSP_RESPONSE_free(parsed);
  return good;
}

ByteVector random_serial(std::size_t octets) {
  ByteVector serial = random_bytes(octets);
  serial[0] &= 0x7f;
  if (octets > 1 && serial[0] == 0) serial[1] |= 0x80;
  return serial;
}

}  // namespace fixtures
