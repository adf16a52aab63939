#include "cleanse.h"

#include <openssl/crypto.h>

namespace ocsp {

void cleanse(std::span<std::uint8_t> secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

}  // namespace ocsp
