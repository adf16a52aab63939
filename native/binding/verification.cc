#include "verification.h"

#include "../core/basic_verify.h"
#include "../core/revocation_list.h"
#include "../core/text.h"
#include "certificate_class.h"
#include "native_class.h"
#include "promise_worker.h"
#include "signing.h"
#include "trust_store_class.h"
#include "values.h"

namespace ocsp::binding {

namespace {

// (der, certificates, trust, flags, pathFlags, time, purpose, depth, securityLevel, policies, name, host, email, ip)
BasicVerifyInput input_of(const Napi::CallbackInfo& info) {
  BasicVerifyInput input;
  input.certificates = certificates_of(info[1]);
  if (const auto* trust = unwrap<TrustStoreClass>(info[2])) input.trust = trust->store();
  input.flags = info[3].As<Napi::Number>().Uint32Value();
  input.path.flags = info[4].As<Napi::Number>().Uint32Value();
  if (info[5].IsNumber()) input.path.time = info[5].As<Napi::Number>().Int64Value();
  if (info[6].IsString()) input.path.purpose = info[6].As<Napi::String>().Utf8Value();
  input.path.depth = info[7].As<Napi::Number>().Int32Value();
  input.path.security_level = info[8].As<Napi::Number>().Int32Value();
  for_each_element(info[9], [&](const Napi::Value& element) {
    if (element.IsString()) input.path.policies.push_back(element.As<Napi::String>().Utf8Value());
  });
  std::string* const texts[] = {&input.path.name, &input.path.host, &input.path.email, &input.path.ip};
  for (std::size_t i = 0; i < std::size(texts); ++i) {
    if (info[10 + i].IsString()) *texts[i] = info[10 + i].As<Napi::String>().Utf8Value();
  }
  return input;
}

Napi::Value to_object(Napi::Env env, const BasicVerifyOutcome& outcome) {
  Napi::Object object = Napi::Object::New(env);
  if (object.IsEmpty()) return object;  // the environment is being torn down
  object.Set("verified", outcome.verified);
  if (outcome.error) {
    const Napi::Value error = make_error(env, *outcome.error);
    if (error.IsEmpty()) return {};
    object.Set("error", error);
  }
  object.Set("certificateError", outcome.certificate_error);
  object.Set("certificateErrorDepth", outcome.certificate_error_depth);
  object.Set("certificateErrorText", outcome.certificate_error_text);
  if (!outcome.signer.empty()) object.Set("signer", to_buffer(env, outcome.signer));
  Napi::Array chain = Napi::Array::New(env, outcome.chain.size());
  if (chain.IsEmpty()) return {};
  for (std::uint32_t i = 0; i < outcome.chain.size(); ++i) chain.Set(i, to_buffer(env, outcome.chain[i]));
  object.Set("chain", chain);
  object.Set("authority", static_cast<int>(outcome.authority));
  return object;
}

using Verify = Result<BasicVerifyOutcome> (*)(Bytes, const BasicVerifyInput&);

template <Verify verify>
Napi::Value verify_function(const Napi::CallbackInfo& info) {
  const auto outcome = verify(bytes_of(info[0]), input_of(info));
  return outcome.ok() ? to_object(info.Env(), outcome.value()) : throw_error(info.Env(), outcome.error());
}

template <Verify verify>
Napi::Value verify_async_function(const Napi::CallbackInfo& info) {
  const Bytes der = bytes_of(info[0]);
  return PromiseWorker<BasicVerifyOutcome>::run(
      info.Env(), "openssl-ocsp:verify",
      [copy = ByteVector(der.begin(), der.end()), input = input_of(info)] { return verify(copy, input); },
      [](Napi::Env env, BasicVerifyOutcome& outcome) -> Napi::Value { return to_object(env, outcome); });
}

// (der, issuer): [why the list is not the issuer's, what is to be doubted of the list, of its part, of an entry]
Napi::Value check_revocation_list_function(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Bytes der = bytes_of(info[0]);
  auto list = RevocationList::parse({der.begin(), der.end()}, RevocationList::BadEntries::kDoubted);
  if (!list.ok()) return throw_error(env, list.error());
  Napi::Value mismatch = Napi::String::New(env, "");
  if (!info[1].IsUndefined()) {
    auto* issuer = unwrap<CertificateClass>(info[1]);
    if (issuer == nullptr) return throw_illegal_invocation(env);
    const auto signer = issuer->signer();
    if (!signer.ok()) return throw_error(env, signer.error());
    if (!list.value()->is_named(*signer.value())) {
      mismatch = Napi::String::New(env, "it is of another CA");
    } else {
      const auto result = list.value()->mismatch(*signer.value(), 0);
      if (!result.ok()) return throw_error(env, result.error());
      if (result.value() != nullptr) mismatch = Napi::String::New(env, result.value());
    }
  }
  using Doubt = RevocationList::Doubt;
  Napi::Array answer = Napi::Array::New(env, 4);
  if (answer.IsEmpty()) return answer;
  answer.Set(0U, mismatch);
  std::uint32_t index = 1;
  for (const Doubt kind : {Doubt::kList, Doubt::kPart, Doubt::kEntry}) {
    const char* why = list.value()->doubt(kind);
    answer.Set(index++, Napi::String::New(env, why == nullptr ? "" : why));
  }
  return answer;
}

// (der, certificates): DER of the signer's certificate, or undefined
Napi::Value find_response_signer_function(const Napi::CallbackInfo& info) {
  const auto signer = find_response_signer(bytes_of(info[0]), certificates_of(info[1]));
  if (!signer.ok()) return throw_error(info.Env(), signer.error());
  return signer.value().empty() ? info.Env().Undefined() : to_buffer(info.Env(), signer.value());
}

// (der): [text as bytes, which need not be UTF-8; error or undefined]
template <Printed (*print)(Bytes)>
Napi::Value print_function(const Napi::CallbackInfo& info) {
  const Printed printed = print(bytes_of(info[0]));
  Napi::Array result = Napi::Array::New(info.Env(), 2);
  result.Set(0U,
             to_buffer(info.Env(), {reinterpret_cast<const std::uint8_t*>(printed.text.data()), printed.text.size()}));
  if (printed.error) result.Set(1U, make_error(info.Env(), *printed.error));
  return result;
}

}  // namespace

void define_verification_functions(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("verifyResponse", verify_function<basic_verify_response>);
  add("verifyResponseAsync", verify_async_function<basic_verify_response>);
  add("verifyRequest", verify_function<basic_verify_request>);
  add("verifyRequestAsync", verify_async_function<basic_verify_request>);
  add("checkRevocationList", check_revocation_list_function);
  add("findResponseSigner", find_response_signer_function);
  add("printRequest", print_function<print_request>);
  add("printResponse", print_function<print_response>);
}

}  // namespace ocsp::binding
