#include "response_verifier_class.h"

#include <atomic>
#include <cstring>

#include "../core/thread.h"
#include "addon_data.h"
#include "certificate_class.h"
#include "layout.h"
#include "promise_worker.h"
#include "trust_store_class.h"
#include "values.h"

namespace ocsp::binding {

namespace {

struct Item {
  ByteVector der;
  std::shared_ptr<SignerCertificate> issuer;
  std::int64_t at;
  ByteVector certificate;
};

// What is asked about a response.
struct ItemView {
  const std::shared_ptr<SignerCertificate>& issuer;
  std::int64_t at;
  Bytes certificate;  // that the response is to be about; empty where no one asks who issued it
};

// Parses strictly, then authenticates. An error explains an outcome; a message that is malformed or not successful has
// nothing to authenticate. Offsets count from the beginning of `memory`, in which `der` lies.
void examine(ResponseVerifier& verifier, Bytes memory, Bytes der, const ItemView& item, AuthenticatedLayout& layout,
             std::optional<Error>& error) {
  DerContext context{memory.data(), false, {}, !verifier.is_strict()};
  layout.authentication.outcome = AuthenticationOutcome::kNothing;
  if (!parse_in<ResponseLayout, parse_response>(context, memory, der, layout.response, "OCSPResponse")) {
    layout.response.status = -1;
    error = fault_error("OCSPResponse", context.fault);
    return;
  }
  if (layout.response.status != 0) return;
  layout.authentication = verifier.authenticate(memory, layout.response, item.issuer, item.at, error);
  layout.issued = !item.certificate.empty() && item.issuer->has_plainly_issued(item.certificate) ? 1 : 0;
}

// All of them or none: their indexes are what a verdict tells.
Result<std::vector<std::shared_ptr<SignerCertificate>>> signers_of(const Napi::Value& array) {
  std::vector<std::shared_ptr<SignerCertificate>> signers;
  std::optional<Error> bad;
  for_each_element(array, [&](const Napi::Value& element) {
    auto* certificate = unwrap<CertificateClass>(element);
    if (certificate == nullptr || bad) return;
    auto signer = certificate->signer();
    if (signer.ok()) {
      signers.push_back(std::move(signer.value()));
    } else {
      bad = signer.error();
    }
  });
  if (bad) return *bad;
  return signers;
}

}  // namespace

Napi::Function ResponseVerifierClass::define(Napi::Env env) {
  using C = ResponseVerifierClass;
  return DefineClass(env, "ResponseVerifier",
                     {
                         getter<C, &C::remembered>("remembered"),
                         method<C, &C::authenticator>("authenticator"),
                         method<C, &C::authenticate_many>("authenticateMany"),
                     });
}

// (trust, responders, certificates, pathFlags, securityLevel, revocation, maxRemembered, rememberSeconds, alwaysVerify,
// strict)
ResponseVerifierClass::ResponseVerifierClass(const Napi::CallbackInfo& info)
    : NativeClass<ResponseVerifierClass>(info) {
  VerifierOptions options;
  if (const auto* trust = unwrap<TrustStoreClass>(info[0])) options.trust = trust->store();
  auto responders = signers_of(info[1]);
  auto certificates = signers_of(info[2]);
  if (!responders.ok() || !certificates.ok()) {
    throw_error(info.Env(), responders.ok() ? certificates.error() : responders.error());
    return;
  }
  options.responders = std::move(responders.value());
  options.certificates = std::move(certificates.value());
  options.path_flags = info[3].As<Napi::Number>().Uint32Value();
  options.security_level = info[4].As<Napi::Number>().Int32Value();
  options.revocation = static_cast<VerifierOptions::Revocation>(info[5].As<Napi::Number>().Int32Value());
  options.max_remembered = info[6].As<Napi::Number>().Uint32Value();
  options.remember_for = std::chrono::seconds(info[7].As<Napi::Number>().Int64Value());
  options.always_verify = info[8].As<Napi::Boolean>().Value();
  options.strict = info[9].As<Napi::Boolean>().Value();
  verifier_ = std::make_shared<ResponseVerifier>(std::move(options));
  info.This().As<Napi::Object>().TypeTag(&type_tag<ResponseVerifierClass>());
}

namespace {

// Authenticates for one verifier. An issuer that is an object is known again by its identity: most calls in a row have
// the same one, and it costs less to compare than to unwrap.
struct Authenticator {
  std::shared_ptr<ResponseVerifier> verifier;
  Napi::ObjectReference last_issuer;  // weak
  std::shared_ptr<SignerCertificate> last_signer;

  Napi::Value run(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    std::shared_ptr<SignerCertificate> issuer = last_signer;
    if (!is_last_issuer(info[3])) {
      auto signer = signer_of(info[3]);
      if (!signer.ok()) return throw_error(env, signer.error());
      issuer = std::move(signer.value());
      if (!issuer) return throw_illegal_invocation(env);
      if (!info[3].IsTypedArray()) {
        last_issuer = Napi::Weak(info[3].As<Napi::Object>());
        last_signer = issuer;
      }
    }
    const AddonData& data = AddonData::of(env);
    // Never leaves what an earlier call found.
    if (data.layout_length * sizeof(std::int32_t) < sizeof(AuthenticatedLayout)) return throw_illegal_invocation(env);
    AuthenticatedLayout layout;
    std::optional<Error> error;
    const Bytes memory = bytes_of(info[0]);
    examine(*verifier, memory, part_of(memory, info),
            {issuer, info[4].As<Napi::Number>().Int64Value(), bytes_of(info[5])}, layout, error);
    std::memcpy(data.layout_data, &layout, sizeof layout);
    return error ? make_error(env, *error) : env.Undefined();
  }

  // By Node-API itself: what node-addon-api makes of an object that is gone ends the process when it is compared.
  bool is_last_issuer(const Napi::Value& issuer) const {
    napi_value last = nullptr;
    bool same = false;
    return napi_get_reference_value(issuer.Env(), last_issuer, &last) == napi_ok && last != nullptr &&
           napi_strict_equals(issuer.Env(), last, issuer, &same) == napi_ok && same;
  }
};

}  // namespace

// A function (memory, start, end, issuer, at, certificate) that fills the layout, and returns undefined or the error
// behind the outcome. It is bound to this verifier, so that no call has to check its receiver.
Napi::Value ResponseVerifierClass::authenticator(const Napi::CallbackInfo& info) {
  const auto state = std::make_shared<Authenticator>(Authenticator{verifier_, {}, nullptr});
  return Napi::Function::New(
      info.Env(), [state](const Napi::CallbackInfo& call) { return state->run(call); }, "authenticate");
}

namespace {

struct ManyResults {
  std::vector<AuthenticatedLayout> layouts;
  std::vector<std::optional<Error>> errors;
};

ManyResults examine_all(ResponseVerifier& verifier, const std::vector<Item>& items, std::size_t threads) {
  ManyResults results{std::vector<AuthenticatedLayout>(items.size()), std::vector<std::optional<Error>>(items.size())};
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < items.size(); i = next++) {
      const auto& [der, issuer, at, certificate] = items[i];
      examine(verifier, der, der, {issuer, at, certificate}, results.layouts[i], results.errors[i]);
    }
  };
  std::vector<Thread> helpers(std::min(threads, items.size()));
  // This thread works too, so it does not matter how many others there are to be had.
  for (std::size_t i = 1; i < helpers.size() && helpers[i].start(work); ++i) {
  }
  work();
  for (Thread& helper : helpers) helper.join();
  return results;
}

Napi::Value to_array(Napi::Env env, const ManyResults& results) {
  const std::size_t size = results.layouts.size() * sizeof(AuthenticatedLayout);
  auto layouts = Napi::Int32Array::New(env, size / sizeof(std::int32_t));
  if (layouts.IsEmpty()) return {};
  if (size != 0) std::memcpy(layouts.Data(), results.layouts.data(), size);
  Napi::Array errors = Napi::Array::New(env, results.errors.size());
  for (std::uint32_t i = 0; i < results.errors.size(); ++i) {
    if (results.errors[i]) errors.Set(i, make_error(env, *results.errors[i]));
  }
  Napi::Array pair = Napi::Array::New(env, 2);
  if (pair.IsEmpty()) return {};
  pair.Set(0U, layouts);
  pair.Set(1U, errors);
  return pair;
}

}  // namespace

// (items, threads): items are [der, issuer, at, certificate]; a promise of [layouts, errors].
Napi::Value ResponseVerifierClass::authenticate_many(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Item> items;
  std::optional<Error> bad;
  for_each_element(info[0], [&](const Napi::Value& element) {
    if (bad || !element.IsArray()) return;
    const Napi::Array tuple = element.As<Napi::Array>();
    const Napi::Value der = tuple.Get(0U);
    const Napi::Value at = tuple.Get(2U);
    auto signer = signer_of(tuple.Get(1U));
    if (!signer.ok()) {
      bad = signer.error();
      return;
    }
    if (!signer.value() || !at.IsNumber()) return;
    const Bytes bytes = bytes_of(der);
    const Bytes certificate = bytes_of(tuple.Get(3U));
    items.push_back({{bytes.begin(), bytes.end()},
                     std::move(signer.value()),
                     at.As<Napi::Number>().Int64Value(),
                     {certificate.begin(), certificate.end()}});
  });
  if (bad) return throw_error(env, *bad);
  const std::size_t threads = info[1].As<Napi::Number>().Uint32Value();
  return PromiseWorker<ManyResults>::run(
      env, "openssl-ocsp:verify",
      [verifier = verifier_, items = std::move(items), threads]() -> Result<ManyResults> {
        return examine_all(*verifier, items, threads);
      },
      [](Napi::Env inner, ManyResults& results) { return to_array(inner, results); });
}

Napi::Value ResponseVerifierClass::remembered(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(verifier_->remembered()));
}

}  // namespace ocsp::binding
