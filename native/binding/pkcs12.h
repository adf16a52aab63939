// The function of the addon that reads PKCS#12 files.
#pragma once

#include <napi.h>

namespace ocsp::binding {

void define_pkcs12_function(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
