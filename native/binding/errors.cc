#include "errors.h"

#include "addon_data.h"

namespace ocsp::binding {

namespace {

const char* code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformed:
    case ErrorCode::kMissingPassphrase:
      return "ERR_OCSP_MALFORMED";
    case ErrorCode::kInvalidValue:
      return "ERR_OCSP_INVALID_VALUE";
    case ErrorCode::kUnsupportedAlgorithm:
      return "ERR_OCSP_UNSUPPORTED_ALGORITHM";
    case ErrorCode::kKeyMismatch:
      return "ERR_OCSP_KEY_MISMATCH";
    case ErrorCode::kOpenssl:
      break;
  }
  return "ERR_OCSP_OPENSSL";
}

}  // namespace

Napi::Value make_error(Napi::Env env, const Error& error) {
  Napi::Object details = Napi::Object::New(env);
  if (details.IsEmpty()) return {};  // the environment is being torn down
  if (!error.library.empty()) details.Set("library", error.library);
  if (!error.reason.empty()) details.Set("reason", error.reason);
  if (!error.entry.empty()) details.Set("opensslEntry", error.entry);
  if (!error.stack.empty()) {
    Napi::Array stack = Napi::Array::New(env, error.stack.size());
    for (std::uint32_t i = 0; i < error.stack.size(); ++i) stack.Set(i, error.stack[i]);
    details.Set("opensslErrorStack", stack);
  }
  if (error.code == ErrorCode::kMissingPassphrase) {
    // As of a KeyObject that cannot be made: the code is Node's.
    const Napi::Error cause = Napi::TypeError::New(env, "Passphrase required for encrypted key");
    if (!cause.IsEmpty()) cause.Set("code", "ERR_MISSING_PASSPHRASE");
    details.Set("cause", cause.Value());
  }
  return AddonData::of(env).error_class.New(
      {Napi::String::New(env, code_name(error.code)), Napi::String::New(env, error.message), details});
}

Napi::Value throw_error(Napi::Env env, const Error& error) {
  const Napi::Value value = make_error(env, error);
  // Empty when the environment is being torn down: then nothing can be thrown either.
  if (!value.IsEmpty()) napi_throw(env, value);
  return {};
}

Error fault_error(const char* message_type, const DerFault& fault) {
  std::string message = "malformed ";
  message.append(message_type).append(": ").append(fault.reason).append(" (").append(fault.field);
  message.append(", byte ").append(std::to_string(fault.offset)).append(")");
  return Error{ErrorCode::kMalformed, std::move(message)};
}

Napi::Value throw_fault(Napi::Env env, const char* message_type, const DerFault& fault) {
  return throw_error(env, fault_error(message_type, fault));
}

Napi::Value throw_illegal_invocation(Napi::Env env) {
  Napi::TypeError::New(env, "Illegal invocation").ThrowAsJavaScriptException();
  return {};
}

}  // namespace ocsp::binding
