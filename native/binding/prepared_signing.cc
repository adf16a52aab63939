#include "prepared_signing.h"

#include "../core/response_data_signer.h"
#include "certificate_class.h"
#include "private_key_class.h"
#include "signing.h"
#include "values.h"

namespace ocsp::binding {

namespace {

// (responderIdTag, responderId, producedAt, extensions, ...single response)
Napi::Value sign(ResponseDataSigner& signer, const Napi::CallbackInfo& info) {
  ResponseDataFields fields;
  fields.responder_id_tag = info[0].As<Napi::Number>().Int32Value();
  fields.responder_id = bytes_of(info[1]);
  fields.produced_at = info[2].As<Napi::Number>().Int64Value();
  fields.extensions = bytes_of(info[3]);
  fields.responses.push_back(single_response_of(info, 4));
  const auto response = signer.sign(fields);
  if (!response.ok()) return throw_error(info.Env(), response.error());
  return to_output(info.Env(), response.value());
}

// (key, responder, hash, pss, saltLength, certificates): a function. It is bound to its signer, so that no call has to
// look for one, nor to check that objects are what they should be.
Napi::Value prepare_signing(const Napi::CallbackInfo& info) {
  const auto* key = unwrap<PrivateKeyClass>(info[0]);
  const auto* responder = unwrap<CertificateClass>(info[1]);
  if (key == nullptr || responder == nullptr) return throw_illegal_invocation(info.Env());
  auto created =
      ResponseDataSigner::create(key->key(), responder->certificate(), scheme_of(info, 2), certificates_of(info[5]));
  if (!created.ok()) return throw_error(info.Env(), created.error());
  const std::shared_ptr<ResponseDataSigner> signer = std::move(created.value());
  return Napi::Function::New(
      info.Env(), [signer](const Napi::CallbackInfo& call) { return sign(*signer, call); }, "sign");
}

}  // namespace

void define_prepared_signing(Napi::Env env, Napi::Object exports) {
  exports.Set("prepareSigning", Napi::Function::New(env, prepare_signing, "prepareSigning"));
}

}  // namespace ocsp::binding
