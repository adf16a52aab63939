#include "text.h"

#include <climits>

#include "error_queue.h"
#include "verify_ptr.h"

namespace ocsp {

namespace {

template <auto Parse, auto Print, typename Pointer>
Result<std::string> print_message(Bytes der) {
  ErrorQueueScope errors;
  const unsigned char* in = der.data();
  const Pointer message(der.size() <= LONG_MAX ? Parse(nullptr, &in, static_cast<long>(der.size())) : nullptr);
  if (!message) return errors.take(ErrorCode::kMalformed, "OpenSSL cannot parse the message");
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || Print(bio.get(), message.get(), 0) != 1) {
    return errors.take(ErrorCode::kMalformed, "OpenSSL cannot print the message");
  }
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

}  // namespace

Result<std::string> print_request(Bytes der) {
  return print_message<d2i_OCSP_REQUEST, OCSP_REQUEST_print, OcspRequestPtr>(der);
}

Result<std::string> print_response(Bytes der) {
  return print_message<d2i_OCSP_RESPONSE, OCSP_RESPONSE_print, OcspResponsePtr>(der);
}

}  // namespace ocsp
