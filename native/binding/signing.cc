#include "signing.h"

#include "certificate_class.h"
#include "native_class.h"
#include "promise_worker.h"
#include "values.h"

namespace ocsp::binding {

Napi::Value run_async(Napi::Env env, std::function<Result<ByteVector>()> job) {
  const auto convert = [](Napi::Env target, const ByteVector& response) { return to_buffer(target, response); };
  return PromiseWorker<ByteVector>::run(env, "openssl-ocsp:sign", std::move(job), convert);
}

SignatureScheme scheme_of(const Napi::CallbackInfo& info, std::size_t first) {
  SignatureScheme scheme;
  if (info[first].IsString()) scheme.hash = info[first].As<Napi::String>().Utf8Value();
  scheme.pss = info[first + 1].As<Napi::Boolean>().Value();
  scheme.salt_length = info[first + 2].As<Napi::Number>().Int32Value();
  return scheme;
}

CertificateList certificates_of(const Napi::Value& array) {
  CertificateList certificates;
  for_each_element(array, [&](const Napi::Value& element) {
    if (const auto* item = unwrap<CertificateClass>(element)) certificates.push_back(item->certificate());
  });
  return certificates;
}

}  // namespace ocsp::binding
