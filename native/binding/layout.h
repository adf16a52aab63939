// The structs that JavaScript reads as numbers, and where in them each number lies.
#pragma once

#include <napi.h>

#include "../core/authentication.h"
#include "../core/response_parser.h"

namespace ocsp::binding {

// What JavaScript reads of one response.
struct AuthenticatedLayout {
  ResponseLayout response;
  Authentication authentication;
  std::int32_t issued = 0;  // 1: the certificate that it is to be about is plainly one of the issuer's
};

// What it reads of a certificate.
struct CertificateLayout {
  Range serial;
  Range issuer;
  Range subject;
  Range public_key_bits;
};

// Exports `offsets`: the only source of the indexes in lib/ocsp/layout.ts.
void define_offsets(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
