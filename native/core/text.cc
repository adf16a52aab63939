#include "text.h"

#include <climits>

#include "error_queue.h"
#include "openssl_ptr.h"

namespace ocsp {

namespace {

template <auto Parse, auto Print, typename Pointer>
Printed print_message(Bytes der) {
  ErrorQueueScope errors;
  const unsigned char* in = der.data();
  const Pointer message(der.size() <= LONG_MAX ? Parse(nullptr, &in, static_cast<long>(der.size())) : nullptr);
  if (!message) return {{}, errors.take(ErrorCode::kMalformed, "OpenSSL cannot parse the message")};
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio) return {{}, errors.take(ErrorCode::kOpenssl, "out of memory")};
  Printed printed;
  if (Print(bio.get(), message.get(), 0) != 1) {
    printed.error = errors.take(ErrorCode::kMalformed, "OpenSSL cannot print the message");
  }
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  if (length > 0) printed.text.assign(text, static_cast<std::size_t>(length));
  return printed;
}

}  // namespace

Printed print_request(Bytes der) { return print_message<d2i_OCSP_REQUEST, OCSP_REQUEST_print, OcspRequestPtr>(der); }

Printed print_response(Bytes der) {
  return print_message<d2i_OCSP_RESPONSE, OCSP_RESPONSE_print, OcspResponsePtr>(der);
}

}  // namespace ocsp
