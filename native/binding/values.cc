#include "values.h"

#include <cstring>

#include "addon_data.h"

namespace ocsp::binding {

Bytes bytes_of(const Napi::Value& value) {
  void* data = nullptr;
  std::size_t length = 0;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(value.Env(), value, nullptr, &length, &data, nullptr, nullptr) != napi_ok) {
    return {};
  }
  return {static_cast<const std::uint8_t*>(data), length};
}

Napi::Value to_buffer(Napi::Env env, Bytes bytes) {
  return Napi::Buffer<std::uint8_t>::Copy(env, bytes.data(), bytes.size());
}

Napi::Value to_output(Napi::Env env, Bytes bytes) {
  const AddonData& data = AddonData::of(env);
  if (bytes.size() > data.output_length) return to_buffer(env, bytes);
  std::memcpy(data.output_data, bytes.data(), bytes.size());
  return Napi::Number::New(env, static_cast<double>(bytes.size()));
}

namespace {

std::int64_t seconds_of(const Napi::Value& value) { return value.As<Napi::Number>().Int64Value(); }

CertIdFields cert_id_of(const Napi::Array& tuple) {
  return {tuple.Get(0U).As<Napi::Number>().Int32Value(), bytes_of(tuple.Get(1U)), bytes_of(tuple.Get(2U)),
          bytes_of(tuple.Get(3U))};
}

}  // namespace

RequestEntryFields request_entry_of(const Napi::Array& tuple) { return {cert_id_of(tuple), bytes_of(tuple.Get(4U))}; }

SingleResponseFields single_response_of(const Napi::Array& tuple) {
  SingleResponseFields fields;
  fields.cert_id = cert_id_of(tuple);
  fields.extensions = bytes_of(tuple.Get(4U));
  fields.cert_status = tuple.Get(5U).As<Napi::Number>().Int32Value();
  if (const Napi::Value time = tuple.Get(6U); time.IsNumber()) fields.revocation_time = seconds_of(time);
  if (const Napi::Value reason = tuple.Get(7U); reason.IsNumber()) {
    fields.revocation_reason = reason.As<Napi::Number>().Int32Value();
  }
  fields.this_update = seconds_of(tuple.Get(8U));
  if (const Napi::Value time = tuple.Get(9U); time.IsNumber()) fields.next_update = seconds_of(time);
  return fields;
}

}  // namespace ocsp::binding
