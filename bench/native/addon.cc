// What the library is measured against, in the same process and on the same OpenSSL: bare signatures, and OpenSSL's own
// OCSP functions called from C++ with nothing of JavaScript around them.
#include "support.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  baseline::define_handles(env, exports);
  baseline::define_signatures(env, exports);
  baseline::define_responses(env, exports);
  baseline::define_requests(env, exports);
  return exports;
}

NODE_API_MODULE(baseline, init)

}  // namespace
