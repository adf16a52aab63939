#include "response_data_signer.h"

#include <utility>

namespace ocsp {

namespace {

// What data and response mostly need; both grow.
constexpr std::size_t kDataSize = 512;
constexpr std::size_t kResponseSize = 2048;

}  // namespace

ResponseDataSigner::ResponseDataSigner(std::shared_ptr<PrivateKey> key, SignatureScheme scheme,
                                       CertificateList certificates)
    : key_(std::move(key)),
      scheme_(std::move(scheme)),
      certificates_(std::move(certificates)),
      data_(kDataSize),
      response_(kResponseSize) {
  for (const auto& certificate : certificates_) ders_.push_back(certificate->der());
}

Result<std::unique_ptr<ResponseDataSigner>> ResponseDataSigner::create(
    std::shared_ptr<PrivateKey> key, const std::shared_ptr<const Certificate>& responder, SignatureScheme scheme,
    CertificateList certificates) {
  if (!key->belongs_to(responder)) return key_mismatch();
  return std::unique_ptr<ResponseDataSigner>(
      new ResponseDataSigner(std::move(key), std::move(scheme), std::move(certificates)));
}

Result<Bytes> ResponseDataSigner::sign(const ResponseDataFields& fields) {
  auto signer = key_->take(scheme_);
  if (!signer.ok()) return signer.error();
  data_.clear();
  write_response_data(data_, fields);
  const auto signature = signer.value()->sign(data_.bytes());
  if (!signature.ok()) return signature.error();
  response_.clear();
  write_response(response_, data_.bytes(), signer.value()->algorithm(), signature.value(), ders_);
  key_->give_back(scheme_, std::move(signer.value()));
  return response_.bytes();
}

}  // namespace ocsp
