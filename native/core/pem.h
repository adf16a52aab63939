// The blocks of a PEM text (RFC 7468).
#pragma once

#include <string>
#include <vector>

#include "bytes.h"
#include "result.h"

namespace ocsp {

struct PemBlock {
  std::string name;  // what stands behind BEGIN
  ByteVector der;
};

// Every block, in its order. An error is for one that is damaged; a text without blocks has none.
Result<std::vector<PemBlock>> read_pem(Bytes text);

}  // namespace ocsp
