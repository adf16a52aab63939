// The functions of the addon that lock an open file against other processes and threads.
#pragma once

#include <napi.h>

namespace ocsp::binding {

void define_file_lock_functions(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
