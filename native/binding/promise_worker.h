// Runs a job on libuv's thread pool and settles a promise with what it gave.
#pragma once

#include <napi.h>

#include <functional>
#include <optional>

#include "errors.h"

namespace ocsp::binding {

// `job` touches nothing of Node-API. `convert` turns its value into JavaScript's, on the JavaScript thread.
template <typename T>
class PromiseWorker : public Napi::AsyncWorker {
 public:
  using Job = std::function<Result<T>()>;
  using Convert = std::function<Napi::Value(Napi::Env, T&)>;

  static Napi::Value run(Napi::Env env, const char* name, Job job, Convert convert) {
    // Not Napi::Promise::Deferred: it hands out an uninitialised promise when the environment is being torn down.
    napi_deferred deferred = nullptr;
    napi_value promise = nullptr;
    if (napi_create_promise(env, &deferred, &promise) != napi_ok) return {};
    auto* worker = new PromiseWorker(env, name, deferred, std::move(job), std::move(convert));  // deletes itself
    worker->Queue();
    return {env, promise};  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the analyzer cannot see it delete itself
  }

 protected:
  void Execute() override { result_.emplace(job_()); }

  void OnOK() override {
    const Napi::Env env = Env();
    const Napi::HandleScope scope(env);
    const bool ok = result_->ok();
    const Napi::Value value = ok ? convert_(env, result_->value()) : make_error(env, result_->error());
    if (value.IsEmpty()) return;  // the environment is being torn down
    if (ok) {
      napi_resolve_deferred(env, deferred_, value);
    } else {
      napi_reject_deferred(env, deferred_, value);
    }
  }

 private:
  PromiseWorker(Napi::Env env, const char* name, napi_deferred deferred, Job job, Convert convert)
      : Napi::AsyncWorker(env, name), deferred_(deferred), job_(std::move(job)), convert_(std::move(convert)) {}

  napi_deferred deferred_;
  Job job_;
  Convert convert_;
  std::optional<Result<T>> result_;
};

}  // namespace ocsp::binding
