#include "lenient.h"

#include <climits>

#include "error_queue.h"
#include "openssl_ptr.h"

namespace ocsp {

namespace {

template <typename T, typename Encode>
Result<ByteVector> encode(const T* object, Encode i2d, ErrorQueueScope& errors) {
  unsigned char* der = nullptr;
  const int length = i2d(object, &der);
  if (length <= 0) return errors.take(ErrorCode::kMalformed, "OpenSSL cannot encode the message that it parsed");
  ByteVector bytes(der, der + length);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace

Result<ByteVector> normalize_request(Bytes data) {
  ErrorQueueScope errors;
  const unsigned char* in = data.data();
  const OcspRequestPtr request(d2i_OCSP_REQUEST(nullptr, &in, static_cast<long>(data.size())));
  if (!request) return errors.take(ErrorCode::kMalformed, "OpenSSL cannot parse the OCSPRequest");
  return encode(request.get(), i2d_OCSP_REQUEST, errors);
}

Result<ByteVector> normalize_response(Bytes data) {
  ErrorQueueScope errors;
  const unsigned char* in = data.data();
  OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &in, static_cast<long>(data.size())));
  if (!response) return errors.take(ErrorCode::kMalformed, "OpenSSL cannot parse the OCSPResponse");
  if (OCSP_response_status(response.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    const OcspBasicRespPtr basic(OCSP_response_get1_basic(response.get()));
    if (!basic) return errors.take(ErrorCode::kMalformed, "OpenSSL cannot parse the BasicOCSPResponse");
    response.reset(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    if (!response) return errors.take(ErrorCode::kMalformed, "OpenSSL cannot encode the message that it parsed");
  }
  return encode(response.get(), i2d_OCSP_RESPONSE, errors);
}

}  // namespace ocsp
