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

Bytes part_of(Bytes memory, const Napi::CallbackInfo& info) {
  const std::size_t start = info[1].As<Napi::Number>().Uint32Value();
  const std::size_t end = info[2].As<Napi::Number>().Uint32Value();
  return start > end || end > memory.size() ? memory.first(0) : memory.subspan(start, end - start);
}

std::optional<Bytes> optional_bytes_of(const Napi::Value& value) {
  return value.IsTypedArray() ? std::optional(bytes_of(value)) : std::nullopt;
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

std::optional<std::int64_t> number_of(const Napi::Value& value) {
  if (!value.IsNumber()) return std::nullopt;
  return value.As<Napi::Number>().Int64Value();
}

CertIdFields cert_id_of(const Napi::Array& tuple) {
  return {static_cast<int>(number_of(tuple.Get(0U)).value_or(0)), bytes_of(tuple.Get(1U)), bytes_of(tuple.Get(2U)),
          bytes_of(tuple.Get(3U))};
}

}  // namespace

RequestEntryFields request_entry_of(const Napi::Value& value) {
  if (!value.IsArray()) return {};
  const Napi::Array tuple = value.As<Napi::Array>();
  return {cert_id_of(tuple), bytes_of(tuple.Get(4U))};
}

SingleResponseFields single_response_of(const Napi::Value& value) {
  SingleResponseFields fields;
  if (!value.IsArray()) return fields;
  const Napi::Array tuple = value.As<Napi::Array>();
  fields.cert_id = cert_id_of(tuple);
  fields.extensions = bytes_of(tuple.Get(4U));
  fields.cert_status = static_cast<int>(number_of(tuple.Get(5U)).value_or(0));
  fields.revocation_time = number_of(tuple.Get(6U)).value_or(0);
  fields.revocation_reason = static_cast<int>(number_of(tuple.Get(7U)).value_or(-1));
  fields.this_update = number_of(tuple.Get(8U)).value_or(0);
  fields.next_update = number_of(tuple.Get(9U));
  return fields;
}

}  // namespace ocsp::binding
