// JavaScript's native `TrustStore`.
#pragma once

#include <napi.h>

#include <memory>

#include "../core/trust_store.h"
#include "native_class.h"

namespace ocsp::binding {

class TrustStoreClass : public NativeClass<TrustStoreClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TrustStoreClass(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

  const std::shared_ptr<TrustStore>& store() const { return store_; }

 private:
  std::shared_ptr<TrustStore> store_;
};

}  // namespace ocsp::binding
