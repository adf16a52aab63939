// What a certificate says about where to ask for its status.
#pragma once

#include <string>
#include <vector>

#include "certificate.h"

namespace ocsp {

// The URIs of access method id-ad-ocsp in authorityInfoAccess (RFC 5280 4.2.2.1), whole: a NUL inside does not end one.
std::vector<std::string> ocsp_urls(const Certificate& certificate);

// Why `issuer` cannot have issued `certificate` by its names, key identifiers and key usage, in OpenSSL's words; empty
// when it can. The signature is not looked at.
std::string issuer_mismatch(const Certificate& certificate, const Certificate& issuer);

}  // namespace ocsp
