#include "signing_job.h"

#include "message_signature.h"
#include "message_writer.h"

namespace ocsp {

namespace {

std::vector<Bytes> bytes_of(const CertificateList& certificates) {
  std::vector<Bytes> der;
  der.reserve(certificates.size());
  for (const auto& certificate : certificates) der.push_back(certificate->der());
  return der;
}

}  // namespace

Result<ByteVector> SigningJob::run() const {
  if (!key->belongs_to(responder)) return key_mismatch();
  const auto signature = key->sign(scheme, response_data);
  if (!signature.ok()) return signature.error();
  return write_response(response_data, signature.value().algorithm, signature.value().value, bytes_of(certificates));
}

Result<ByteVector> AssemblyJob::run() const {
  EVP_PKEY* key = responder->public_key();
  if (key == nullptr) {
    return Error{ErrorCode::kMalformed, "OpenSSL cannot use the responder certificate's public key"};
  }
  const auto prepared = prepare_signature(key, scheme, SignatureDirection::kVerify);
  if (!prepared.ok()) return prepared.error();
  const auto verified = verify_signature(key, scheme, response_data, signature);
  if (!verified.ok()) return verified.error();
  if (!verified.value()) {
    return Error{ErrorCode::kKeyMismatch, "the signature was not made with the responder certificate's key"};
  }
  return write_response(response_data, prepared.value().algorithm, signature, bytes_of(certificates));
}

}  // namespace ocsp
