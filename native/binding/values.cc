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

// `at` gives the members of a tuple by their place.
template <typename At>
CertIdFields cert_id_from(At at) {
  return {static_cast<int>(number_of(at(0)).value_or(0)), bytes_of(at(1)), bytes_of(at(2)), bytes_of(at(3))};
}

template <typename At>
SingleResponseFields single_response_from(At at) {
  SingleResponseFields fields;
  fields.cert_id = cert_id_from(at);
  fields.extensions = bytes_of(at(4));
  fields.cert_status = static_cast<int>(number_of(at(5)).value_or(0));
  fields.revocation_time = number_of(at(6)).value_or(0);
  fields.revocation_reason = static_cast<int>(number_of(at(7)).value_or(-1));
  fields.this_update = number_of(at(8)).value_or(0);
  fields.next_update = number_of(at(9));
  return fields;
}

auto members_of(const Napi::Value& tuple) {
  return [array = tuple.As<Napi::Array>()](std::uint32_t i) -> Napi::Value { return array.Get(i); };
}

}  // namespace

RequestEntryFields request_entry_of(const Napi::Value& value) {
  if (!value.IsArray()) return {};
  const auto at = members_of(value);
  return {cert_id_from(at), bytes_of(at(4))};
}

SingleResponseFields single_response_of(const Napi::Value& value) {
  return value.IsArray() ? single_response_from(members_of(value)) : SingleResponseFields{};
}

SingleResponseFields single_response_of(const Napi::CallbackInfo& info, std::size_t first) {
  return single_response_from([&](std::size_t i) -> Napi::Value { return info[first + i]; });
}

}  // namespace ocsp::binding
