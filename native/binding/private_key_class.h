// JavaScript's native `PrivateKey`.
#pragma once

#include <napi.h>

#include <memory>

#include "../core/private_key.h"
#include "native_class.h"

namespace ocsp::binding {

class PrivateKeyClass : public NativeClass<PrivateKeyClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit PrivateKeyClass(const Napi::CallbackInfo& info);

  const std::shared_ptr<PrivateKey>& key() const { return key_; }

 private:
  Napi::Value type(const Napi::CallbackInfo& info);
  Napi::Value sign_response(const Napi::CallbackInfo& info);
  Napi::Value sign_response_async(const Napi::CallbackInfo& info);
  Napi::Value sign_request(const Napi::CallbackInfo& info);
  Napi::Value sign_request_async(const Napi::CallbackInfo& info);

  std::shared_ptr<PrivateKey> key_;
};

}  // namespace ocsp::binding
