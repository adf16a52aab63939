#include "signing.h"

#include <optional>

#include "../core/message_writer.h"
#include "certificate_class.h"
#include "errors.h"
#include "native_class.h"
#include "values.h"

namespace ocsp::binding {

namespace {

std::vector<Bytes> der_of(const CertificateList& certificates) {
  std::vector<Bytes> der;
  der.reserve(certificates.size());
  for (const auto& certificate : certificates) der.push_back(certificate->der());
  return der;
}

}  // namespace

Result<ByteVector> SigningJob::run() const {
  if (!key->belongs_to(responder)) {
    return Error{ErrorCode::kKeyMismatch, "the private key does not belong to the responder certificate", {}, {}, {}};
  }
  const auto signature = key->sign(scheme, response_data);
  if (!signature.ok()) return signature.error();
  return write_response(response_data, signature.value().algorithm, signature.value().value, der_of(certificates));
}

Result<ByteVector> AssemblyJob::run() const {
  EVP_PKEY* key = responder->public_key();
  if (key == nullptr) {
    return Error{ErrorCode::kMalformed, "OpenSSL cannot use the responder certificate's public key", {}, {}, {}};
  }
  const auto prepared = prepare_signature(key, scheme, SignatureDirection::kVerify);
  if (!prepared.ok()) return prepared.error();
  const auto verified = verify_signature(key, scheme, response_data, signature);
  if (!verified.ok()) return verified.error();
  if (!verified.value()) {
    return Error{
        ErrorCode::kKeyMismatch, "the signature was not made with the responder certificate's key", {}, {}, {}};
  }
  return write_response(response_data, prepared.value().algorithm, signature, der_of(certificates));
}

namespace {

class ResponseWorker : public Napi::AsyncWorker {
 public:
  ResponseWorker(Napi::Env env, napi_deferred deferred, std::function<Result<ByteVector>()> job)
      : Napi::AsyncWorker(env, "openssl-ocsp:sign"), deferred_(deferred), job_(std::move(job)) {}

 protected:
  void Execute() override { result_.emplace(job_()); }

  void OnOK() override {
    const Napi::Env env = Env();
    const Napi::HandleScope scope(env);
    const Napi::Value value = result_->ok() ? to_buffer(env, result_->value()) : make_error(env, result_->error());
    if (value.IsEmpty()) return;  // the environment is being torn down
    if (result_->ok()) {
      napi_resolve_deferred(env, deferred_, value);
    } else {
      napi_reject_deferred(env, deferred_, value);
    }
  }

 private:
  napi_deferred deferred_;
  std::function<Result<ByteVector>()> job_;
  std::optional<Result<ByteVector>> result_;
};

}  // namespace

Napi::Value run_async(Napi::Env env, std::function<Result<ByteVector>()> job) {
  // Not Napi::Promise::Deferred: it hands out an uninitialised promise when the environment is being torn down.
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) return {};
  auto* worker = new ResponseWorker(env, deferred, std::move(job));  // deletes itself when done
  worker->Queue();
  return {env, promise};  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the analyzer cannot see it delete itself
}

SignatureScheme scheme_of(const Napi::CallbackInfo& info, std::size_t first) {
  SignatureScheme scheme;
  if (info[first].IsString()) scheme.hash = info[first].As<Napi::String>().Utf8Value();
  scheme.pss = info[first + 1].As<Napi::Boolean>().Value();
  scheme.salt_length = info[first + 2].As<Napi::Number>().Int32Value();
  return scheme;
}

CertificateList certificates_of(const Napi::Value& array) {
  CertificateList certificates;
  for_each_element(array, [&](const Napi::Value& element) {
    if (const auto* item = unwrap<CertificateClass>(element)) certificates.push_back(item->certificate());
  });
  return certificates;
}

}  // namespace ocsp::binding
