// libFuzzer's own mutations rarely keep the lengths of nested elements right: every other one comes from mutate.h.
#include <algorithm>

#include "native/mutate.h"

extern "C" {

std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned int seed) {
  mutate::Engine engine(seed);
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const ocsp::ByteVector mutant = mutate::elements({data, size}, engine);
  const std::size_t kept = std::min(mutant.size(), max_size);
  std::copy_n(mutant.begin(), kept, data);
  return kept;
}

}  // extern "C"
