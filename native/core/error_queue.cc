#include "error_queue.h"

#include <openssl/err.h>

#include <algorithm>

namespace ocsp {

namespace {

// Stands between older entries and those of the enclosed calls. Before OpenSSL 3.2 nothing else tells whether a call
// that failed pushed anything, and a failure must not be explained by what somebody else left behind.
constexpr int kBoundary = 1;

bool is_boundary(unsigned long code) { return ERR_GET_LIB(code) == ERR_LIB_USER && ERR_GET_REASON(code) == kBoundary; }

}  // namespace

// A mark cannot be set on an empty queue.
ErrorQueueScope::ErrorQueueScope() : found_empty_(ERR_peek_error() == 0) {
  if (found_empty_) return;
  ERR_set_mark();
  ERR_raise(ERR_LIB_USER, kBoundary);
}

ErrorQueueScope::~ErrorQueueScope() {
  if (found_empty_) {
    // Clearing wipes every slot of the queue: not worth it where nothing was pushed.
    if (ERR_peek_error() != 0) ERR_clear_error();
  } else {
    ERR_pop_to_mark();
  }
}

namespace {

std::string describe(unsigned long code, const char* data, int flags) {
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  std::string line = text;
  if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') line.append(":").append(data);
  return line;
}

void name_error(Error& error, unsigned long code, const char* data, int flags) {
  const char* library = ERR_lib_error_string(code);
  const char* reason = ERR_reason_error_string(code);
  if (library != nullptr) error.library = library;
  if (reason != nullptr) error.reason = reason;
  error.entry = describe(code, data, flags);
}

}  // namespace

Error ErrorQueueScope::take(ErrorCode code, std::string message) {
  Error error{code, std::move(message)};
  const char* data = nullptr;
  int flags = 0;
  if (!found_empty_) {
    // Older entries belong to somebody else, and ERR_get_error would take those first: report the newest only.
    const unsigned long newest = ERR_peek_last_error_all(nullptr, nullptr, nullptr, &data, &flags);
    if (is_boundary(newest)) return error;
    name_error(error, newest, data, flags);
  } else {
    // The oldest entry is where the failure began; it names the error, as in Node.
    const unsigned long oldest = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags);
    if (oldest == 0) return error;
    name_error(error, oldest, data, flags);
    while (const unsigned long next = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
      error.stack.push_back(describe(next, data, flags));
    }
    std::reverse(error.stack.begin(), error.stack.end());
  }
  if (!error.reason.empty()) error.message.append(": ").append(error.reason);
  return error;
}

}  // namespace ocsp
