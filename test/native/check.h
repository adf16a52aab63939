// A test program's bookkeeping: named checks, counted; the last line is `N passed, N failed`.
#pragma once

#include <cstdio>
#include <string>

class Checks {
 public:
  // Counts one check, and names it when it fails.
  bool operator()(bool holds, const std::string& what) {
    if (holds) {
      ++passed_;
    } else if (++failed_ <= 20) {
      std::printf("FAILED: %s\n", what.c_str());
    }
    return holds;
  }

  // Exit code of the program.
  int finish() const {
    std::printf("%d passed, %d failed\n", passed_, failed_);
    return failed_ == 0 ? 0 : 1;
  }

 private:
  int passed_ = 0;
  int failed_ = 0;
};
