#include "certificate_class.h"

#include <cstring>

#include "../core/authority_info.h"
#include "../core/digest.h"
#include "../core/message_writer.h"
#include "../core/plain_certificate.h"
#include "addon_data.h"
#include "layout.h"
#include "signing.h"
#include "values.h"

namespace ocsp::binding {

namespace {
// What OpenSSL holds for one decoded certificate beside its DER, measured roughly; it steers garbage collection only.
constexpr std::int64_t kDecodedSize = 4096;
}  // namespace

Napi::Function CertificateClass::define(Napi::Env env) {
  using C = CertificateClass;
  return DefineClass(env, "Certificate",
                     {
                         getter<C, &C::serial>("serial"),
                         getter<C, &C::subject>("subject"),
                         getter<C, &C::key_type>("keyType"),
                         getter<C, &C::ocsp_urls>("ocspUrls"),
                         getter<C, &C::has_other_locations>("hasOtherLocations"),
                         method<C, &C::issuer_name_hash>("issuerNameHash"),
                         method<C, &C::public_key_hash>("publicKeyHash"),
                         method<C, &C::assemble_response_async>("assembleResponseAsync"),
                     });
}

CertificateClass::CertificateClass(const Napi::CallbackInfo& info) : NativeClass<CertificateClass>(info) {
  const Bytes der = bytes_of(info[0]);
  signer_ = CertificateCache::shared().find(der);
  if (signer_) {
    certificate_ = signer_->shared();
  } else {
    auto parsed = Certificate::parse(der);
    if (!parsed.ok()) {
      throw_error(info.Env(), parsed.error());
      return;
    }
    certificate_ = std::move(parsed.value());
  }
  info.This().As<Napi::Object>().TypeTag(&type_tag<CertificateClass>());
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(),
                                               kDecodedSize + static_cast<std::int64_t>(certificate_->der().size()));
}

void CertificateClass::Finalize(Napi::BasicEnv env) {
  if (!certificate_) return;
  Napi::MemoryManagement::AdjustExternalMemory(env,
                                               -kDecodedSize - static_cast<std::int64_t>(certificate_->der().size()));
}

Napi::Value CertificateClass::serial(const Napi::CallbackInfo& info) {
  return to_buffer(info.Env(), certificate_->serial());
}

Napi::Value CertificateClass::subject(const Napi::CallbackInfo& info) {
  return to_buffer(info.Env(), certificate_->subject());
}

Napi::Value CertificateClass::key_type(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), certificate_->public_key_type());
}

namespace {

Napi::Value hash_to_output(Napi::Env env, const Napi::Value& hash, Bytes data) {
  const char* name = cert_id_hash_name(hash.As<Napi::Number>().Int32Value());
  const auto hashed = digest(name == nullptr ? "" : name, data);
  return hashed.ok() ? to_output(env, hashed.value()) : throw_error(env, hashed.error());
}

}  // namespace

Napi::Value CertificateClass::issuer_name_hash(const Napi::CallbackInfo& info) {
  return hash_to_output(info.Env(), info[0], certificate_->issuer());
}

Napi::Value CertificateClass::public_key_hash(const Napi::CallbackInfo& info) {
  return hash_to_output(info.Env(), info[0], certificate_->public_key_bits());
}

Result<std::shared_ptr<SignerCertificate>> CertificateClass::signer() {
  if (!signer_) {
    auto adopted = CertificateCache::shared().adopt(certificate_);
    if (!adopted.ok()) return adopted.error();
    signer_ = std::move(adopted.value());
  }
  return signer_;
}

Napi::Value CertificateClass::ocsp_urls(const Napi::CallbackInfo& info) {
  const auto urls = ocsp_locations(*certificate_).urls;
  Napi::Array array = Napi::Array::New(info.Env(), urls.size());
  for (std::uint32_t i = 0; i < urls.size(); ++i) array.Set(i, urls[i]);
  return array;
}

Napi::Value CertificateClass::has_other_locations(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), ocsp_locations(*certificate_).has_others);
}

// (responseData, signature, hash, pss, saltLength, certificates)
Napi::Value CertificateClass::assemble_response_async(const Napi::CallbackInfo& info) {
  const Bytes data = bytes_of(info[0]);
  const Bytes signature = bytes_of(info[1]);
  AssemblyJob job{certificate_,
                  scheme_of(info, 2),
                  {data.begin(), data.end()},
                  {signature.begin(), signature.end()},
                  certificates_of(info[5])};
  return run_async(info.Env(), [job = std::move(job)] { return job.run(); });
}

Result<std::shared_ptr<SignerCertificate>> signer_of(const Napi::Value& value) {
  if (value.IsTypedArray()) return CertificateCache::shared().decode(bytes_of(value));
  auto* certificate = unwrap<CertificateClass>(value);
  return certificate == nullptr ? Result<std::shared_ptr<SignerCertificate>>(nullptr) : certificate->signer();
}

namespace {

// The same, of one whose key is of no matter.
Result<std::shared_ptr<const Certificate>> certificate_of(const Napi::Value& value) {
  if (value.IsTypedArray()) return Certificate::parse(bytes_of(value));
  const auto* certificate = unwrap<CertificateClass>(value);
  return certificate == nullptr ? nullptr : certificate->certificate();
}

// (der): whether it is a plain certificate; fills the layout then.
Napi::Value read_certificate_function(const Napi::CallbackInfo& info) {
  const Bytes der = bytes_of(info[0]);
  const auto plain = read_plain_certificate(der);
  if (!plain) return Napi::Boolean::New(info.Env(), false);
  const auto range = [&](Bytes part) {
    const auto start = static_cast<std::int32_t>(part.data() - der.data());
    return Range{start, start + static_cast<std::int32_t>(part.size())};
  };
  const CertificateLayout layout{range(plain->serial), range(plain->issuer), range(plain->subject),
                                 range(plain->public_key_bits)};
  const AddonData& data = AddonData::of(info.Env());
  const bool fits = data.layout_length * sizeof(std::int32_t) >= sizeof layout;
  if (fits) std::memcpy(data.layout_data, &layout, sizeof layout);
  return Napi::Boolean::New(info.Env(), fits);
}

// (der, issuer)
Napi::Value is_plainly_issued_function(const Napi::CallbackInfo& info) {
  const auto signer = signer_of(info[1]);
  if (signer.ok() && !signer.value()) return throw_illegal_invocation(info.Env());
  return Napi::Boolean::New(info.Env(), signer.ok() && signer.value()->has_plainly_issued(bytes_of(info[0])));
}

// (certificate, issuer)
Napi::Value issuer_mismatch_function(const Napi::CallbackInfo& info) {
  const auto certificate = certificate_of(info[0]);
  const auto issuer = signer_of(info[1]);
  if (!certificate.ok() || !issuer.ok()) {
    return throw_error(info.Env(), certificate.ok() ? issuer.error() : certificate.error());
  }
  if (!certificate.value() || !issuer.value()) return throw_illegal_invocation(info.Env());
  const auto mismatch = issuer_mismatch(*certificate.value(), issuer.value()->certificate());
  return mismatch ? Napi::String::New(info.Env(), *mismatch) : info.Env().Null();
}

// (memory, start, end, hash)
Napi::Value hash_function(const Napi::CallbackInfo& info) {
  return hash_to_output(info.Env(), info[3], part_of(bytes_of(info[0]), info));
}

}  // namespace

void define_certificate_functions(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("readCertificate", read_certificate_function);
  add("isPlainlyIssued", is_plainly_issued_function);
  add("issuerMismatch", issuer_mismatch_function);
  add("hash", hash_function);
}

}  // namespace ocsp::binding
