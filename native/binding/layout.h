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

// What JavaScript reads are 32-bit offsets.
inline constexpr std::size_t kMaxMessageSize = INT32_MAX;

// Parses the message `der` that lies in `memory`; offsets count from the beginning of the memory. A fault speaks of the
// message, wherever that is kept.
template <typename Layout, bool (*Parse)(DerContext&, Bytes, Layout&)>
bool parse_in(DerContext& context, Bytes memory, Bytes der, Layout& layout, const char* type) {
  const bool fits = memory.size() <= kMaxMessageSize || context.fail(der.data(), type, "larger than 2 GiB");
  if (fits && Parse(context, der, layout)) return true;
  context.fault.offset -= static_cast<std::size_t>(der.data() - memory.data());
  return false;
}

// Exports `offsets`: the only source of the indexes in lib/ocsp/layout.ts.
void define_offsets(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
