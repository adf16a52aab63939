// Messages as OpenSSL prints them.
#pragma once

#include <optional>
#include <string>

#include "bytes.h"
#include "result.h"

namespace ocsp {

// The text as far as OpenSSL got, and why it got no further.
struct Printed {
  std::string text;
  std::optional<Error> error;
};

// OCSP_REQUEST_print and OCSP_RESPONSE_print, byte for byte.
Printed print_request(Bytes der);
Printed print_response(Bytes der);

}  // namespace ocsp
