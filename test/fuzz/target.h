// What the fuzz targets share. Each is a libFuzzer harness; driver.cc stands in where there is no libFuzzer.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "native/oracle.h"

namespace target {

// Fuzzers recognise a finding by the crash.
inline int run(const std::string& verdict) {
  if (verdict.empty()) return 0;
  std::fprintf(stderr, "FINDING: %s\n", verdict.c_str());
  std::abort();
}

}  // namespace target
