// Fuzz target: certificates and private keys, as callers hand them over.
#include <openssl/err.h>

#include <algorithm>

#include "core/plain_certificate.h"
#include "core/private_key.h"
#include "target.h"

namespace {

// What is read without OpenSSL is what OpenSSL reads.
bool is_read_alike(const ocsp::PlainCertificate& plain, const ocsp::Certificate& read) {
  return std::ranges::equal(plain.serial, read.serial()) && std::ranges::equal(plain.issuer, read.issuer()) &&
         std::ranges::equal(plain.subject, read.subject()) &&
         std::ranges::equal(plain.public_key_bits, read.public_key_bits());
}

std::string judge(ocsp::Bytes bytes) {
  const auto certificate = ocsp::Certificate::parse(bytes);
  const auto plain = ocsp::read_plain_certificate(bytes);
  if (plain && !certificate.ok()) return "a plain certificate that OpenSSL refuses";
  if (certificate.ok()) {
    const ocsp::Certificate& read = *certificate.value();
    if (plain && !is_read_alike(*plain, read)) return "a plain certificate that OpenSSL reads in another way";
    if (read.subject().empty() || read.issuer().empty() || read.serial().empty()) return "a certificate without names";
    if (read.der().size() != bytes.size()) return "a certificate of another size";
    const bool usable = read.public_key() != nullptr;
    // What OpenSSL pushes here is not ours to drop: the caller of public_key() holds the scope.
    ERR_clear_error();
    if (usable && ocsp::verify_signature(read.public_key(), {"SHA256", false, -1}, bytes, bytes).ok())
      ERR_clear_error();
  } else if (certificate.error().message.empty()) {
    return "a certificate refused without a message";
  }
  const auto key = ocsp::PrivateKey::parse(bytes);
  if (!key.ok() && key.error().message.empty()) return "a key refused without a message";
  if (ERR_peek_error() != 0) return "the error queue is not empty";
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return target::run(judge({data, size}));
}
