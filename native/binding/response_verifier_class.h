// JavaScript's native `ResponseVerifier`.
#pragma once

#include <napi.h>

#include <memory>

#include "../core/response_verifier.h"
#include "native_class.h"

namespace ocsp::binding {

class ResponseVerifierClass : public NativeClass<ResponseVerifierClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ResponseVerifierClass(const Napi::CallbackInfo& info);

 private:
  Napi::Value authenticator(const Napi::CallbackInfo& info);
  Napi::Value authenticate_many(const Napi::CallbackInfo& info);
  Napi::Value remembered(const Napi::CallbackInfo& info);

  std::shared_ptr<ResponseVerifier> verifier_;  // shared with jobs that outlive this object
};

}  // namespace ocsp::binding
