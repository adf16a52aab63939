// Functions of the addon that read and write messages.
#pragma once

#include <napi.h>

namespace ocsp::binding {

void define_message_functions(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
