// What the parts of the baseline share: owning pointers, arguments, and how a failure is reported.
#pragma once

#include <napi.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>

namespace baseline {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using MdPtr = std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;

struct Octets {
  const unsigned char* data;
  long size;
};

inline Octets octets_of(const Napi::Value& value) {
  auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), static_cast<long>(array.ByteLength())};
}

inline std::uint32_t count_of(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

// What `key` and `certificate` (handles.cc) made: parsing is not what is measured.
inline EVP_PKEY* key_of(const Napi::Value& value) { return value.As<Napi::External<EVP_PKEY>>().Data(); }
inline X509* certificate_of(const Napi::Value& value) { return value.As<Napi::External<X509>>().Data(); }

// Null for a key that hashes by itself. Fetched, since the objects of EVP_sha256() and the like are looked up at each
// use.
inline MdPtr md_of(const Napi::Value& value) {
  return MdPtr(value.IsString() ? EVP_MD_fetch(nullptr, value.As<Napi::String>().Utf8Value().c_str(), nullptr)
                                : nullptr);
}

// A failing operation is a fast one: it must not pass for a measurement.
inline Napi::Value done(Napi::Env env, bool ok, const char* what) {
  if (!ok) Napi::Error::New(env, std::string("the baseline fails: ") + what).ThrowAsJavaScriptException();
  return env.Undefined();
}

// Each file adds its functions. All of them run `iterations` rounds, so that the call itself costs nothing.
void define_handles(Napi::Env env, Napi::Object exports);
void define_signatures(Napi::Env env, Napi::Object exports);
void define_responses(Napi::Env env, Napi::Object exports);
void define_requests(Napi::Env env, Napi::Object exports);

}  // namespace baseline
