// Functions that sign with one key in one way.
#pragma once

#include <napi.h>

namespace ocsp::binding {

void define_prepared_signing(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
