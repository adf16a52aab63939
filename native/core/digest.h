// Message digests by OpenSSL, fetched once per process.
#pragma once

#include <openssl/evp.h>

#include <string>

#include "bytes.h"
#include "result.h"

namespace ocsp {

// The digest of this name ("SHA256", "SHA3-256"), or an error where the running OpenSSL has none.
Result<const EVP_MD*> fetch_digest(const std::string& name);
Result<ByteVector> digest(const std::string& name, Bytes data);

}  // namespace ocsp
