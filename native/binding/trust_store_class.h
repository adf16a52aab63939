// JavaScript's native `TrustStore`.
#pragma once

#include <napi.h>

#include <memory>

#include "../core/trust_store.h"

namespace ocsp::binding {

class TrustStoreClass : public Napi::ObjectWrap<TrustStoreClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TrustStoreClass(const Napi::CallbackInfo& info);

  const std::shared_ptr<TrustStore>& store() const { return store_; }

 private:
  std::shared_ptr<TrustStore> store_;
};

}  // namespace ocsp::binding
