#include "starvation.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <cstdlib>
#include <utility>

#include "fixtures.h"

namespace starvation {

namespace {

// Counts down to the allocation that fails; negative: none does. `sticky`: so do all after it.
long countdown = -1;
bool sticky = false;
bool failed = false;

bool fails() {
  if (countdown < 0) return false;
  if (countdown > 0) {
    --countdown;
    return false;
  }
  failed = true;
  if (!sticky) countdown = -1;
  return true;
}

void* allocate(std::size_t size, const char*, int) { return fails() ? nullptr : std::malloc(size); }
void* reallocate(void* memory, std::size_t size, const char*, int) {
  return fails() ? nullptr : std::realloc(memory, size);
}
void release(void* memory, const char*, int) { std::free(memory); }

}  // namespace

bool install() { return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1; }

bool has_failed() { return failed; }

Fed::Fed() : saved_(std::exchange(countdown, -1)) {}
Fed::~Fed() { countdown = saved_; }

void starve(Checks& check, const std::string& name, const std::function<bool()>& run) {
  failed = false;
  check(run(), name + ": with all its memory");  // also fills OpenSSL's caches
  for (const bool all : {false, true}) {
    // Long runs of allocations are those of big numbers: of these some will do, others each time.
    const auto step = [](long allowed) {
      static const long every = fixtures::repeated(75);
      return 1 + static_cast<long>(fixtures::below(static_cast<std::uint64_t>(1 + allowed / every)));
    };
    for (long allowed = 0; allowed < 100'000; allowed += step(allowed)) {
      ERR_clear_error();
      failed = false;
      sticky = all;
      countdown = allowed;
      const bool well = run();
      countdown = -1;
      check(well, name + ": allocation " + std::to_string(allowed) + (all ? " and later" : "") + " fails");
      check(ERR_peek_error() == 0, name + ": the error queue is empty");
      if (!failed) break;
    }
  }
  failed = false;
  check(run(), name + ": afterwards");
}

}  // namespace starvation
