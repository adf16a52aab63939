// Signing a ResponseData: one implementation behind the sync, the async and the external-signer form.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <vector>

#include "../core/private_key.h"

namespace ocsp::binding {

using CertificateList = std::vector<std::shared_ptr<const Certificate>>;

struct SigningJob {
  std::shared_ptr<PrivateKey> key;
  std::shared_ptr<const Certificate> responder;
  SignatureScheme scheme;
  ByteVector response_data;
  CertificateList certificates;

  // The signed OCSPResponse. Touches nothing of Node-API, so it may run on any thread.
  Result<ByteVector> run() const;
};

// A response whose signature was made elsewhere: checked against the responder certificate before it is put together.
struct AssemblyJob {
  std::shared_ptr<const Certificate> responder;
  SignatureScheme scheme;
  ByteVector response_data;
  ByteVector signature;
  CertificateList certificates;

  Result<ByteVector> run() const;
};

// Runs a job on libuv's thread pool; returns a promise of a Buffer, rejected with an OCSPError.
Napi::Value run_async(Napi::Env env, std::function<Result<ByteVector>()> job);

// The arguments (hash, pss, saltLength) from `first` on.
SignatureScheme scheme_of(const Napi::CallbackInfo& info, std::size_t first);
// An array of native Certificate objects.
CertificateList certificates_of(const Napi::Value& array);

}  // namespace ocsp::binding
