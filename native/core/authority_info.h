// What a certificate says about where to ask for its status, and about who issued it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "certificate.h"

namespace ocsp {

// Access method id-ad-ocsp in authorityInfoAccess (RFC 5280 4.2.2.1), however often the extension is there.
struct OcspLocations {
  // URIs, whole: a NUL inside does not end one.
  std::vector<std::string> urls;
  // Whether there may be others: a location that is no URI, or an extension that cannot be read.
  bool has_others = false;
};

OcspLocations ocsp_locations(const Certificate& certificate);

// Why `issuer` did not issue `certificate`: by names, key identifiers and key usage, in OpenSSL's words, or by the
// signature. Empty when it did; nothing where OpenSSL cannot check the signature.
std::optional<std::string> issuer_mismatch(const Certificate& certificate, const Certificate& issuer);

}  // namespace ocsp
