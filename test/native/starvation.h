// Lets OpenSSL run out of memory at a chosen allocation.
#pragma once

#include <functional>
#include <string>

#include "check.h"

namespace starvation {

// Only before OpenSSL's first allocation; false when that is past.
bool install();

// Whether an allocation of the current run has failed.
bool has_failed();

// Where the judge sits: its allocations do not fail, nor do they count.
class Fed {
 public:
  Fed();
  ~Fed();
  Fed(const Fed&) = delete;
  Fed& operator=(const Fed&) = delete;

 private:
  long saved_;
};

// Calls `run` with every allocation failing in its turn, alone and with all after it, until none fails any more. `run`
// returns whether all is well: refused, or done right.
void starve(Checks& check, const std::string& name, const std::function<bool()>& run);

}  // namespace starvation
