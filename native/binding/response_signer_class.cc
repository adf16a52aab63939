#include "response_signer_class.h"

#include "../core/raw_signing_rate.h"
#include "certificate_class.h"
#include "private_key_class.h"
#include "promise_worker.h"
#include "signing.h"
#include "values.h"

namespace ocsp::binding {

namespace {

ByteVector copy_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

const Error kBadEntry{ErrorCode::kInvalidValue, "the status entry is not valid"};

}  // namespace

Napi::Function ResponseSignerClass::define(Napi::Env env) {
  using C = ResponseSignerClass;
  return DefineClass(env, "ResponseSigner",
                     {
                         method<C, &C::sign>("sign"),
                         method<C, &C::sign_async>("signAsync"),
                         method<C, &C::raw_signing_rate>("rawSigningRate"),
                     });
}

// (key, responder, hash, pss, saltLength, responderIdTag, certIdHash, issuerNameHash, issuerKeyHash, certificates)
ResponseSignerClass::ResponseSignerClass(const Napi::CallbackInfo& info) : NativeClass<ResponseSignerClass>(info) {
  const auto* key = unwrap<PrivateKeyClass>(info[0]);
  const auto* responder = unwrap<CertificateClass>(info[1]);
  if (key == nullptr || responder == nullptr) {
    throw_illegal_invocation(info.Env());
    return;
  }
  auto profile = std::make_shared<SignerProfile>();
  profile->key = key->key();
  profile->responder = responder->certificate();
  profile->scheme = scheme_of(info, 2);
  profile->responder_id_tag = info[5].As<Napi::Number>().Int32Value();
  profile->cert_id_hash = info[6].As<Napi::Number>().Int32Value();
  profile->issuer_name_hash = copy_of(bytes_of(info[7]));
  profile->issuer_key_hash = copy_of(bytes_of(info[8]));
  profile->certificates = certificates_of(info[9]);
  auto signer = ResponseSigner::create(profile);
  if (!signer.ok()) {
    throw_error(info.Env(), signer.error());
    return;
  }
  idle_ = std::make_shared<IdleSigners>(profile);
  profile_ = std::move(profile);
  signer_ = std::move(signer.value());
  info.This().As<Napi::Object>().TypeTag(&type_tag<ResponseSignerClass>());
}

// (entry, producedAt, extensions)
Napi::Value ResponseSignerClass::sign(const Napi::CallbackInfo& info) {
  Bytes bytes = bytes_of(info[0]);
  StatusEntry entry;
  if (!read_packed_entry(bytes, entry)) return throw_error(info.Env(), kBadEntry);
  const auto response = signer_->sign(entry, info[1].As<Napi::Number>().Int64Value(), bytes_of(info[2]));
  if (!response.ok()) return throw_error(info.Env(), response.error());
  return to_output(info.Env(), response.value());
}

// (entry, producedAt, extensions)
Napi::Value ResponseSignerClass::sign_async(const Napi::CallbackInfo& info) {
  const std::int64_t produced_at = info[1].As<Napi::Number>().Int64Value();
  const auto job = [idle = idle_, packed = copy_of(bytes_of(info[0])), produced_at,
                    extensions = copy_of(bytes_of(info[2]))]() -> Result<ByteVector> {
    Bytes bytes = packed;
    StatusEntry entry;
    if (!read_packed_entry(bytes, entry)) return kBadEntry;
    auto signer = idle->take();
    if (!signer.ok()) return signer.error();
    const auto response = signer.value()->sign(entry, produced_at, extensions);
    if (!response.ok()) return response.error();
    ByteVector copy = copy_of(response.value());
    idle->give_back(std::move(signer.value()));
    return copy;
  };
  return run_async(info.Env(), job);
}

// (threads, milliseconds)
Napi::Value ResponseSignerClass::raw_signing_rate(const Napi::CallbackInfo& info) {
  const auto job = [profile = profile_, threads = info[0].As<Napi::Number>().Uint32Value(),
                    milliseconds = info[1].As<Napi::Number>().Int64Value()] {
    return ocsp::raw_signing_rate(*profile, threads, milliseconds);
  };
  return PromiseWorker<double>::run(info.Env(), "openssl-ocsp:rate", job,
                                    [](Napi::Env env, double& rate) { return Napi::Number::New(env, rate); });
}

}  // namespace ocsp::binding
