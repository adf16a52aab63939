// Messages as OpenSSL prints them.
#pragma once

#include <string>

#include "bytes.h"
#include "result.h"

namespace ocsp {

// OCSP_REQUEST_print and OCSP_RESPONSE_print, byte for byte.
Result<std::string> print_request(Bytes der);
Result<std::string> print_response(Bytes der);

}  // namespace ocsp
