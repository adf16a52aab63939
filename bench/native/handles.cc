// Keys and certificates, parsed once.
#include "support.h"

namespace baseline {

namespace {

template <typename T, void (*Free)(T*)>
Napi::Value handle(Napi::Env env, T* object, const char* what) {
  if (object == nullptr) return done(env, false, what);
  return Napi::External<T>::New(env, object, [](Napi::Env, T* data) { Free(data); });
}

// (pkcs8)
Napi::Value key(const Napi::CallbackInfo& info) {
  Octets in = octets_of(info[0]);
  return handle<EVP_PKEY, EVP_PKEY_free>(info.Env(), d2i_AutoPrivateKey(nullptr, &in.data, in.size), "the key");
}

// (der)
Napi::Value certificate(const Napi::CallbackInfo& info) {
  Octets in = octets_of(info[0]);
  return handle<X509, X509_free>(info.Env(), d2i_X509(nullptr, &in.data, in.size), "the certificate");
}

}  // namespace

void define_handles(Napi::Env env, Napi::Object exports) {
  exports.Set("key", Napi::Function::New(env, key));
  exports.Set("certificate", Napi::Function::New(env, certificate));
}

}  // namespace baseline
