#include "signing_pool_class.h"

#include <cstring>

#include "response_signer_class.h"
#include "values.h"

namespace ocsp::binding {

struct SigningPoolClass::Delivery {
  std::uint32_t id;
  SignedBatch batch;
};

Napi::Function SigningPoolClass::define(Napi::Env env) {
  using C = SigningPoolClass;
  return DefineClass(env, "SigningPool",
                     {
                         method<C, &C::submit>("submit"),
                         method<C, &C::close>("close"),
                     });
}

// (signers, threads, verifyRate, onBatch)
SigningPoolClass::SigningPoolClass(const Napi::CallbackInfo& info) : NativeClass<SigningPoolClass>(info) {
  std::vector<std::shared_ptr<const SignerProfile>> profiles;
  const auto signers = info[0].As<Napi::Array>();
  for (std::uint32_t i = 0; i < signers.Length(); ++i) {
    const auto* signer = unwrap<ResponseSignerClass>(signers.Get(i));
    if (signer == nullptr) {
      throw_illegal_invocation(info.Env());
      return;
    }
    profiles.push_back(signer->profile());
  }
  auto pool =
      SigningPool::create(profiles, info[1].As<Napi::Number>().Uint32Value(), info[2].As<Napi::Number>().DoubleValue());
  if (!pool.ok()) {
    throw_error(info.Env(), pool.error());
    return;
  }
  channel_ = Channel::New(info.Env(), info[3].As<Napi::Function>(), "openssl-ocsp:bulk", 0, 1, this);
  channel_.Unref(info.Env());
  pool_ = std::move(pool.value());
  // Hooks run in reverse order: the threads are gone before Node tears the channel down.
  napi_add_env_cleanup_hook(info.Env(), on_environment_end, this);
  info.This().As<Napi::Object>().TypeTag(&type_tag<SigningPoolClass>());
}

SigningPoolClass::~SigningPoolClass() { shut_down(); }

void SigningPoolClass::shut_down() {
  if (!pool_) return;
  pool_.reset();
  channel_.Release();
  napi_remove_env_cleanup_hook(Env(), on_environment_end, this);
}

// (id, entries, producedAt)
Napi::Value SigningPoolClass::submit(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!pool_) return throw_error(env, Error{ErrorCode::kInvalidValue, "the pool is closed"});
  const std::uint32_t id = info[0].As<Napi::Number>().Uint32Value();
  const Bytes entries = bytes_of(info[1]);
  if (outstanding_++ == 0) {
    // Both keep each other alive while there is work: the loop runs on, and this object is not collected.
    channel_.Ref(env);
    Ref();
  }
  pool_->submit({{entries.begin(), entries.end()}, info[2].As<Napi::Number>().Int64Value()},
                [channel = channel_, id](SignedBatch batch) {
                  auto* delivery = new Delivery{id, std::move(batch)};
                  if (channel.NonBlockingCall(delivery) != napi_ok) delete delivery;
                });
  return env.Undefined();
}

Napi::Value SigningPoolClass::close(const Napi::CallbackInfo& info) {
  if (pool_ && outstanding_ != 0) {
    outstanding_ = 0;
    channel_.Unref(info.Env());
    Unref();
  }
  shut_down();
  return info.Env().Undefined();
}

// On the JavaScript thread: onBatch(id, responses, ends, error?)
void SigningPoolClass::deliver(Napi::Env env, Napi::Function on_batch, SigningPoolClass* pool, Delivery* delivery) {
  const std::unique_ptr<Delivery> owned(delivery);
  // No environment: it is being torn down. No pool: a batch that was on its way when the pool was closed.
  if (env == nullptr || on_batch.IsEmpty() || !pool->pool_) return;
  const SignedBatch& batch = delivery->batch;
  const std::size_t size = batch.ends.size();
  const auto ends = Napi::Uint32Array::New(env, size);
  const Napi::Value responses = to_buffer(env, batch.responses);
  if (ends.IsEmpty() || responses.IsEmpty()) return;
  if (size != 0) std::memcpy(const_cast<std::uint32_t*>(ends.Data()), batch.ends.data(), size * sizeof(std::uint32_t));
  if (--pool->outstanding_ == 0) {
    pool->channel_.Unref(env);
    pool->Unref();
  }
  on_batch.Call({Napi::Number::New(env, delivery->id), responses, ends,
                 batch.error ? make_error(env, *batch.error) : env.Undefined()});
}

}  // namespace ocsp::binding
