// Keys, certificates, files and random numbers for the test programs.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "core/certificate.h"
#include "core/private_key.h"

namespace fixtures {

// Fixed seed: a failure can be repeated.
inline std::mt19937_64& random() {
  static std::mt19937_64 engine(20260101);  // NOLINT(cert-msc32-c,cert-msc51-cpp): meant to be predictable
  return engine;
}
inline std::uint64_t below(std::uint64_t limit) { return random()() % limit; }
ocsp::ByteVector random_bytes(std::size_t count);

// How often something is done again and again: `count`, multiplied by OCSP_TEST_REPEATED.
int repeated(int count);

ocsp::ByteVector read_file(const std::filesystem::path& path);
struct Message {
  std::string name;
  ocsp::ByteVector bytes;
};
// Every binary below test/vectors: files, base64 files, and those inside lists of cases. Requests, responses, and much
// that is neither.
std::vector<Message> corpus();

// "RSA", "RSA-PSS", "ED25519", "ED448", "DSA", "X25519", or the name of a curve
ocsp::EvpPkeyPtr make_key(const std::string& type);
ocsp::ByteVector pkcs8_of(EVP_PKEY* key);
// Self-signed, with `padding` bytes of a private extension to reach any size.
ocsp::X509Ptr make_certificate(EVP_PKEY* key, std::size_t padding = 0, const EVP_MD* md = EVP_sha256());

// What an encoder of OpenSSL writes, i2d_X509 for one; empty when it fails.
template <typename T, typename Encode>
ocsp::ByteVector encoded(const T* object, Encode i2d) {
  unsigned char* der = nullptr;
  const int length = i2d(object, &der);
  if (length <= 0) return {};
  ocsp::ByteVector bytes(der, der + length);
  OPENSSL_free(der);
  return bytes;
}
inline ocsp::ByteVector der_of(const X509* certificate) { return encoded(certificate, i2d_X509); }

struct Identity {
  ocsp::EvpPkeyPtr pkey;
  ocsp::X509Ptr x509;
  std::shared_ptr<ocsp::PrivateKey> key;
  std::shared_ptr<const ocsp::Certificate> certificate;
};
Identity make_identity(const std::string& type, std::size_t padding = 0);
Identity make_identity(ocsp::EvpPkeyPtr key, const EVP_MD* md);

// Whether OpenSSL finds the signature of a response good.
bool is_signed_by(ocsp::Bytes response, X509* signer);

// The content bytes of a non-negative INTEGER, minimal.
ocsp::ByteVector random_serial(std::size_t octets);

}  // namespace fixtures
