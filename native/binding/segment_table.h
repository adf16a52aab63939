// The functions of the addon that look into the segments of a store.
#pragma once

#include <napi.h>

namespace ocsp::binding {

void define_segment_functions(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
