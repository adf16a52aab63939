// What a certificate says about where to ask for its status, and about who issued it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "certificate.h"

namespace ocsp {

// The URIs of access method id-ad-ocsp in authorityInfoAccess (RFC 5280 4.2.2.1), whole: a NUL inside does not end one.
std::vector<std::string> ocsp_urls(const Certificate& certificate);

// Why `issuer` did not issue `certificate`: by names, key identifiers and key usage, in OpenSSL's words, or by the
// signature. Empty when it did; nothing where OpenSSL cannot check the signature.
std::optional<std::string> issuer_mismatch(const Certificate& certificate, const Certificate& issuer);

}  // namespace ocsp
