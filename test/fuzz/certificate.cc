// Fuzz target: certificates and private keys, as callers hand them over.
#include <openssl/err.h>

#include "core/private_key.h"
#include "native/signer_oracle.h"
#include "target.h"

namespace {

std::string judge(ocsp::Bytes bytes) {
  const auto certificate = ocsp::Certificate::parse(bytes);
  if (certificate.ok()) {
    const ocsp::Certificate& read = *certificate.value();
    if (read.subject().empty() || read.issuer().empty() || read.serial().empty()) return "a certificate without names";
    const auto signer = ocsp::SignerCertificate::make(certificate.value());
    const std::string difference = signer.ok() ? oracle::judge_signer(*signer.value()) : std::string();
    if (!difference.empty()) return "a certificate of which OpenSSL says otherwise: " + difference;
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
