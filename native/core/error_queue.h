// OpenSSL's per-thread error queue, which Node's own crypto shares.
#pragma once

#include <string>

#include "result.h"

namespace ocsp {

// Leaves the queue as it was found: whatever the enclosed calls push is gone when the scope ends.
class ErrorQueueScope {
 public:
  ErrorQueueScope();
  ~ErrorQueueScope();
  ErrorQueueScope(const ErrorQueueScope&) = delete;
  ErrorQueueScope& operator=(const ErrorQueueScope&) = delete;

  // An error made of `message` and what the enclosed calls pushed. Several OpenSSL functions fail without pushing
  // anything, so `message` must make sense alone.
  Error take(ErrorCode code, std::string message);

 private:
  bool found_empty_;
};

}  // namespace ocsp
