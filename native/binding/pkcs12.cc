#include "pkcs12.h"

#include "../core/cleanse.h"
#include "../core/pkcs12.h"
#include "errors.h"
#include "values.h"

namespace ocsp::binding {

namespace {

// (data, passphrase, certificate of the key): [pkcs8, certificate, others]
Napi::Value parse(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto parsed = parse_pkcs12(bytes_of(info[0]), optional_bytes_of(info[1]), optional_bytes_of(info[2]));
  if (!parsed.ok()) return throw_error(env, parsed.error());
  Pkcs12& contents = parsed.value();
  const Napi::Array result = Napi::Array::New(env, 3);
  result.Set(0U, to_buffer(env, contents.private_key));
  cleanse(contents.private_key);
  if (!contents.certificate.empty()) result.Set(1U, to_buffer(env, contents.certificate));
  const Napi::Array others = Napi::Array::New(env, contents.others.size());
  for (std::uint32_t i = 0; i < contents.others.size(); ++i) others.Set(i, to_buffer(env, contents.others[i]));
  result.Set(2U, others);
  return result;
}

}  // namespace

void define_pkcs12_function(Napi::Env env, Napi::Object exports) {
  exports.Set("parsePkcs12", Napi::Function::New(env, parse, "parsePkcs12"));
}

}  // namespace ocsp::binding
