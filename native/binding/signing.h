// What all functions that sign share: their arguments, and the promise.
#pragma once

#include <napi.h>

#include <functional>

#include "../core/signing_job.h"

namespace ocsp::binding {

// Runs a job on libuv's thread pool; returns a promise of a Buffer, rejected with an OCSPError.
Napi::Value run_async(Napi::Env env, std::function<Result<ByteVector>()> job);

// The arguments (hash, pss, saltLength) from `first` on.
SignatureScheme scheme_of(const Napi::CallbackInfo& info, std::size_t first);
// An array of native Certificate objects.
CertificateList certificates_of(const Napi::Value& array);

}  // namespace ocsp::binding
