// Functions on whole messages that OpenSSL itself carries out: verifying, finding the signer, printing.
#pragma once

#include <napi.h>

namespace ocsp::binding {

void define_verification_functions(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
