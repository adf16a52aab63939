// Fuzz target: OCSPRequest.
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return target::run(oracle::judge_request({data, size}));
}
