#include "private_key_class.h"

#include <optional>

#include "../core/cleanse.h"
#include "../core/request_signature.h"
#include "../core/stored_key.h"
#include "certificate_class.h"
#include "signing.h"
#include "values.h"

namespace ocsp::binding {

Napi::Function PrivateKeyClass::define(Napi::Env env) {
  using C = PrivateKeyClass;
  return DefineClass(env, "PrivateKey",
                     {
                         getter<C, &C::type>("type"),
                         method<C, &C::sign_response>("signResponse"),
                         method<C, &C::sign_response_async>("signResponseAsync"),
                         method<C, &C::sign_request>("signRequest"),
                         method<C, &C::sign_request_async>("signRequestAsync"),
                     });
}

namespace {

Result<std::shared_ptr<PrivateKey>> key_of(const Napi::CallbackInfo& info) {
  if (info[0].IsString()) return load_stored_key(info[0].As<Napi::String>().Utf8Value(), optional_bytes_of(info[1]));
  const Bytes pkcs8 = bytes_of(info[0]);
  auto parsed = PrivateKey::parse(pkcs8);
  // The export was made for this call alone: the key's only copy outside OpenSSL ends here.
  cleanse({const_cast<std::uint8_t*>(pkcs8.data()), pkcs8.size()});
  return parsed;
}

}  // namespace

// (pkcs8) or (uri, passphrase)
PrivateKeyClass::PrivateKeyClass(const Napi::CallbackInfo& info) : NativeClass<PrivateKeyClass>(info) {
  auto parsed = key_of(info);
  if (!parsed.ok()) {
    throw_error(info.Env(), parsed.error());
    return;
  }
  key_ = std::move(parsed.value());
  info.This().As<Napi::Object>().TypeTag(&type_tag<PrivateKeyClass>());
}

Napi::Value PrivateKeyClass::type(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), key_->type());
}

namespace {

// (responseData, responder, hash, pss, saltLength, certificates)
std::optional<SigningJob> job_of(const Napi::CallbackInfo& info, const std::shared_ptr<PrivateKey>& key) {
  const auto* responder = unwrap<CertificateClass>(info[1]);
  if (responder == nullptr) return std::nullopt;
  const Bytes data = bytes_of(info[0]);
  return SigningJob{
      key, responder->certificate(), scheme_of(info, 2), {data.begin(), data.end()}, certificates_of(info[5])};
}

}  // namespace

Napi::Value PrivateKeyClass::sign_response(const Napi::CallbackInfo& info) {
  const auto job = job_of(info, key_);
  if (!job) return throw_illegal_invocation(info.Env());
  const auto response = job->run();
  if (!response.ok()) return throw_error(info.Env(), response.error());
  return to_output(info.Env(), response.value());
}

Napi::Value PrivateKeyClass::sign_response_async(const Napi::CallbackInfo& info) {
  auto job = job_of(info, key_);
  if (!job) return throw_illegal_invocation(info.Env());
  return run_async(info.Env(), [job = std::move(*job)] { return job.run(); });
}

// The same arguments, with a request in the place of responseData.
Napi::Value PrivateKeyClass::sign_request(const Napi::CallbackInfo& info) {
  const auto job = job_of(info, key_);
  if (!job) return throw_illegal_invocation(info.Env());
  const auto request =
      ocsp::sign_request(job->response_data, *job->key, job->responder, job->scheme, job->certificates);
  if (!request.ok()) return throw_error(info.Env(), request.error());
  return to_output(info.Env(), request.value());
}

Napi::Value PrivateKeyClass::sign_request_async(const Napi::CallbackInfo& info) {
  auto job = job_of(info, key_);
  if (!job) return throw_illegal_invocation(info.Env());
  return run_async(info.Env(), [job = std::move(*job)] {
    return ocsp::sign_request(job.response_data, *job.key, job.responder, job.scheme, job.certificates);
  });
}

}  // namespace ocsp::binding
