// CRC-32 as zlib has it, whose own is not among what every host exports.
#pragma once

#include <cstdint>

#include "bytes.h"

namespace ocsp {

// Goes on from the checksum `sum` of what came before.
std::uint32_t crc32(Bytes bytes, std::uint32_t sum);

}  // namespace ocsp
