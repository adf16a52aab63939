// JavaScript's native `SigningPool`.
#pragma once

#include <napi.h>

#include <memory>

#include "../core/signing_pool.h"
#include "native_class.h"

namespace ocsp::binding {

class SigningPoolClass : public NativeClass<SigningPoolClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SigningPoolClass(const Napi::CallbackInfo& info);
  ~SigningPoolClass() override;

 private:
  struct Delivery;
  static void deliver(Napi::Env env, Napi::Function on_batch, SigningPoolClass* pool, Delivery* delivery);
  using Channel = Napi::TypedThreadSafeFunction<SigningPoolClass, Delivery, deliver>;

  Napi::Value submit(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  // Ends the threads; runs when JavaScript closes the pool and, at the latest, when the environment ends.
  void shut_down();
  static void on_environment_end(void* pool) { static_cast<SigningPoolClass*>(pool)->shut_down(); }

  Channel channel_;
  std::unique_ptr<SigningPool> pool_;
  std::size_t outstanding_ = 0;
};

}  // namespace ocsp::binding
