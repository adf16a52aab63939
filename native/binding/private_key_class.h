// JavaScript's native `PrivateKey`.
#pragma once

#include <napi.h>

#include <memory>

#include "../core/private_key.h"

namespace ocsp::binding {

class PrivateKeyClass : public Napi::ObjectWrap<PrivateKeyClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit PrivateKeyClass(const Napi::CallbackInfo& info);

  const std::shared_ptr<PrivateKey>& key() const { return key_; }

 private:
  void load(const Napi::CallbackInfo& info);
  Napi::Value certificates(const Napi::CallbackInfo& info);
  Napi::Value type(const Napi::CallbackInfo& info);
  Napi::Value sign_response(const Napi::CallbackInfo& info);
  Napi::Value sign_response_async(const Napi::CallbackInfo& info);
  Napi::Value sign_request(const Napi::CallbackInfo& info);
  Napi::Value sign_request_async(const Napi::CallbackInfo& info);

  std::shared_ptr<PrivateKey> key_;
  std::vector<ByteVector> certificates_;
};

}  // namespace ocsp::binding
