// From core errors to JavaScript's OCSPError.
#pragma once

#include <napi.h>

#include "../core/der_reader.h"
#include "../core/result.h"

namespace ocsp::binding {

Napi::Value make_error(Napi::Env env, const Error& error);
// Leaves the error pending and returns what a native function then must return.
Napi::Value throw_error(Napi::Env env, const Error& error);
Error fault_error(const char* message_type, const DerFault& fault);
Napi::Value throw_fault(Napi::Env env, const char* message_type, const DerFault& fault);
Napi::Value throw_illegal_invocation(Napi::Env env);

}  // namespace ocsp::binding
