// Runs a fuzz target without libFuzzer: driver <folder of seeds> <inputs> [seed of the random numbers]
// Mutants that read further than others cannot be told here, so all start from the seeds; what is found is left in
// `finding.bin` of the working folder.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "native/mutate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

ocsp::ByteVector current;  // NOLINT: for the handler below

void save(int signal) {
  // Not safe in a handler in general; here the process is about to end anyway.
  if (std::FILE* file = std::fopen("finding.bin", "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::signal(SIGABRT, save);
#ifndef __SANITIZE_ADDRESS__  // which reports it, and aborts
  std::signal(SIGSEGV, save);
#endif
  std::vector<ocsp::ByteVector> seeds;
  std::vector<mutate::Elements> elements;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    elements.emplace_back(seeds.back());
  }
  if (seeds.empty()) return 2;
  mutate::Engine engine(argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
  const std::size_t inputs = std::strtoull(argv[2], nullptr, 10);
  for (std::size_t i = 0; i < inputs; ++i) {
    if (i < seeds.size()) {
      current = seeds[i];
    } else {
      const std::size_t seed = engine() % seeds.size();
      current = engine() % 3 == 0 ? mutate::octets(seeds[seed], engine) : elements[seed].mutant(engine);
    }
    LLVMFuzzerTestOneInput(current.data(), current.size());
    if ((i + 1) % 1'000'000 == 0) {
      std::printf("%zu inputs\n", i + 1);
      std::fflush(stdout);
    }
  }
  std::printf("%zu inputs, nothing found\n", inputs);
  return 0;
}
