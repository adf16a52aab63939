// The function of the addon that looks into a segment of a store.
#pragma once

#include <napi.h>

namespace ocsp::binding {

void define_segment_function(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
