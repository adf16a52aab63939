// The addon: what it exports, and the guard that runs before OpenSSL is relied on.
#include <napi.h>

#include "../core/openssl_info.h"
#include "addon_data.h"
#include "certificate_class.h"
#include "file_lock.h"
#include "layout.h"
#include "messages.h"
#include "pkcs12.h"
#include "prepared_signing.h"
#include "private_key_class.h"
#include "response_signer_class.h"
#include "response_verifier_class.h"
#include "segment_table.h"
#include "signing_pool_class.h"
#include "trust_store_class.h"
#include "verification.h"

namespace ocsp::binding {

namespace {

// (OCSPError, layout, output)
Napi::Value initialize(const Napi::CallbackInfo& info) {
  AddonData& data = AddonData::of(info.Env());
  data.error_class = Napi::Persistent(info[0].As<Napi::Function>());
  Napi::Int32Array layout = info[1].As<Napi::Int32Array>();
  data.layout_data = layout.Data();
  data.layout_length = layout.ElementLength();
  data.layout = Napi::Persistent(layout);
  Napi::Uint8Array output = info[2].As<Napi::Uint8Array>();
  data.output_data = output.Data();
  data.output_length = output.ElementLength();
  data.output = Napi::Persistent(output);
  return info.Env().Undefined();
}

Napi::Value openssl_info_function(const Napi::CallbackInfo& info) {
  const OpensslInfo openssl = openssl_info();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("version", openssl.version);
  object.Set("builtAgainst", openssl.built_against);
  object.Set("source", openssl.source);
  object.Set("compatible", openssl_major_matches());
  return object;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData);
  exports.Set("initialize", Napi::Function::New(env, initialize, "initialize"));
  exports.Set("opensslInfo", Napi::Function::New(env, openssl_info_function, "opensslInfo"));
  exports.Set("Certificate", CertificateClass::define(env));
  exports.Set("PrivateKey", PrivateKeyClass::define(env));
  exports.Set("ResponseSigner", ResponseSignerClass::define(env));
  exports.Set("SigningPool", SigningPoolClass::define(env));
  exports.Set("TrustStore", TrustStoreClass::define(env));
  exports.Set("ResponseVerifier", ResponseVerifierClass::define(env));
  define_certificate_functions(env, exports);
  define_file_lock_functions(env, exports);
  define_message_functions(env, exports);
  define_offsets(env, exports);
  define_pkcs12_function(env, exports);
  define_prepared_signing(env, exports);
  define_segment_functions(env, exports);
  define_verification_functions(env, exports);
  return exports;
}

NODE_API_MODULE(openssl_ocsp, init)

}  // namespace

}  // namespace ocsp::binding
