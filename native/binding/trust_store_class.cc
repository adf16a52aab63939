#include "trust_store_class.h"

#include "signing.h"
#include "values.h"

namespace ocsp::binding {

Napi::Function TrustStoreClass::define(Napi::Env env) {
  return DefineClass(env, "TrustStore", std::vector<Napi::ClassPropertyDescriptor<TrustStoreClass>>{});
}

// (certificates, crls, caFile, caPath, caStore, systemDefault)
TrustStoreClass::TrustStoreClass(const Napi::CallbackInfo& info) : NativeClass<TrustStoreClass>(info) {
  TrustSources sources;
  sources.certificates = certificates_of(info[0]);
  for_each_element(info[1], [&](const Napi::Value& element) {
    const Bytes bytes = bytes_of(element);
    sources.crls.emplace_back(bytes.begin(), bytes.end());
  });
  if (info[2].IsString()) sources.ca_file = info[2].As<Napi::String>().Utf8Value();
  if (info[3].IsString()) sources.ca_path = info[3].As<Napi::String>().Utf8Value();
  if (info[4].IsString()) sources.ca_store = info[4].As<Napi::String>().Utf8Value();
  sources.system_default = info[5].As<Napi::Number>().Uint32Value();
  auto store = TrustStore::create(std::move(sources));
  if (!store.ok()) {
    throw_error(info.Env(), store.error());
    return;
  }
  store_ = std::move(store.value());
  info.This().As<Napi::Object>().TypeTag(&type_tag<TrustStoreClass>());
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), store_->memory());
}

void TrustStoreClass::Finalize(Napi::BasicEnv env) {
  if (store_) Napi::MemoryManagement::AdjustExternalMemory(env, -store_->memory());
}

}  // namespace ocsp::binding
