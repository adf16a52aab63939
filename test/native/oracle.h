// The core's readers judged by OpenSSL's: for test programs and fuzzers alike.
#pragma once

#include <string>

#include "core/bytes.h"

namespace oracle {

// Reads `message` strictly, leniently and with OpenSSL, and compares acceptance, encodings and every value. Returns
// what is wrong, empty if all is well. The rules:
// - a refusal says why, at an offset inside the message;
// - what is accepted strictly, OpenSSL accepts (but for what it decodes deeper), encodes to the same bytes, and finds
//   the same values in;
// - what OpenSSL accepts, and only that, is accepted leniently, with the values that OpenSSL finds;
// - the error queue stays empty.
std::string judge_request(ocsp::Bytes message);
std::string judge_response(ocsp::Bytes message);

}  // namespace oracle
