// What OpenSSL's own parser makes of a message.
#pragma once

#include "bytes.h"
#include "result.h"

namespace ocsp {

// d2i, then i2d: the message as OpenSSL understood it, for the lenient form of the parsers to read. Bytes after the
// message are ignored, as d2i does.
Result<ByteVector> normalize_request(Bytes data);
// The same for a response; with status 0 its BasicOCSPResponse must parse as well (OCSP_response_get1_basic).
Result<ByteVector> normalize_response(Bytes data);

}  // namespace ocsp
