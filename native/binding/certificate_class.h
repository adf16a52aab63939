// JavaScript's native `Certificate`.
#pragma once

#include <napi.h>

#include <memory>

#include "../core/signer_certificate.h"
#include "native_class.h"

namespace ocsp::binding {

class CertificateClass : public NativeClass<CertificateClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit CertificateClass(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

  const std::shared_ptr<const Certificate>& certificate() const { return certificate_; }
  // What verifying with it needs, worked out at the first call.
  Result<std::shared_ptr<SignerCertificate>> signer();

 private:
  Napi::Value serial(const Napi::CallbackInfo& info);
  Napi::Value subject(const Napi::CallbackInfo& info);
  Napi::Value issuer_name_hash(const Napi::CallbackInfo& info);
  Napi::Value public_key_hash(const Napi::CallbackInfo& info);
  Napi::Value key_type(const Napi::CallbackInfo& info);
  Napi::Value ocsp_urls(const Napi::CallbackInfo& info);
  Napi::Value has_other_locations(const Napi::CallbackInfo& info);
  Napi::Value assemble_response_async(const Napi::CallbackInfo& info);

  std::shared_ptr<const Certificate> certificate_;
  std::shared_ptr<SignerCertificate> signer_;
};

// What verifying takes of a native certificate, or of the DER of a plain one; nullptr where it is neither.
Result<std::shared_ptr<SignerCertificate>> signer_of(const Napi::Value& value);

// Functions on certificates that no one has decoded.
void define_certificate_functions(Napi::Env env, Napi::Object exports);

}  // namespace ocsp::binding
