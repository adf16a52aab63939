// Writes the corpus of the test vectors into a folder, a file each: seeds <folder>
#include <fstream>

#include "native/fixtures.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int number = 0;
  for (const auto& message : fixtures::corpus()) {
    std::ofstream file(std::filesystem::path(argv[1]) / std::to_string(number++), std::ios::binary);
    file.write(reinterpret_cast<const char*>(message.bytes.data()), static_cast<std::streamsize>(message.bytes.size()));
  }
  return 0;
}
