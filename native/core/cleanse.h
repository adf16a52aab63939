// Overwriting secrets.
#pragma once

#include <cstdint>
#include <span>

namespace ocsp {

// OPENSSL_cleanse: the compiler does not leave it out.
void cleanse(std::span<std::uint8_t> secret);

}  // namespace ocsp
