// JavaScript's native `ResponseSigner`.
#pragma once

#include <napi.h>

#include <memory>

#include "../core/signing_pool.h"
#include "native_class.h"

namespace ocsp::binding {

class ResponseSignerClass : public NativeClass<ResponseSignerClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ResponseSignerClass(const Napi::CallbackInfo& info);

  const std::shared_ptr<const SignerProfile>& profile() const { return profile_; }

 private:
  Napi::Value sign(const Napi::CallbackInfo& info);
  Napi::Value raw_signing_rate(const Napi::CallbackInfo& info);
  Napi::Value sign_async(const Napi::CallbackInfo& info);

  std::shared_ptr<const SignerProfile> profile_;
  std::unique_ptr<ResponseSigner> signer_;  // of the thread that owns this object
  std::shared_ptr<IdleSigners> idle_;       // of those that work for it
};

}  // namespace ocsp::binding
