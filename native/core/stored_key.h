// Private keys that OpenSSL's stores (OSSL_STORE) hold: files, and whatever its providers add, such as PKCS#11 tokens.
#pragma once

#include <optional>
#include <string>

#include "private_key.h"

namespace ocsp {

// The first private key behind `uri`. It may stay where it is, and sign there.
Result<std::shared_ptr<PrivateKey>> load_stored_key(const std::string& uri, const std::optional<Bytes>& passphrase);

}  // namespace ocsp
