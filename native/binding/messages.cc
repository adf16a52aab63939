#include "messages.h"

#include <cstring>

#include "../core/lenient.h"
#include "addon_data.h"
#include "errors.h"
#include "layout.h"
#include "values.h"

namespace ocsp::binding {

namespace {

// How a message is read: the numbers of lib/ocsp/message.ts.
DerContext context_of(Bytes memory, const Napi::Value& reading) {
  const int number = reading.As<Napi::Number>().Int32Value();
  return {memory.data(), number == 1, {}, number == 2};
}

template <typename Layout>
void publish(Napi::Env env, const Layout& layout) {
  static_assert(sizeof(Layout) % sizeof(std::int32_t) == 0);
  const AddonData& data = AddonData::of(env);
  if (data.layout_length * sizeof(std::int32_t) >= sizeof layout) {
    std::memcpy(data.layout_data, &layout, sizeof layout);
  }
}

// (memory, start, end, reading): fills the layout, whose offsets count from the beginning of the memory.
template <typename Layout, bool (*Parse)(DerContext&, Bytes, Layout&)>
Napi::Value parse_message(const Napi::CallbackInfo& info, const char* type) {
  const Napi::Env env = info.Env();
  const Bytes memory = bytes_of(info[0]);
  const Bytes der = part_of(memory, info);
  DerContext context = context_of(memory, info[3]);
  Layout layout;
  if (!parse_in<Layout, Parse>(context, memory, der, layout, type)) return throw_fault(env, type, context.fault);
  publish(env, layout);
  return env.Undefined();
}

Napi::Value parse_request_function(const Napi::CallbackInfo& info) {
  return parse_message<RequestLayout, parse_request>(info, "OCSPRequest");
}

Napi::Value parse_response_function(const Napi::CallbackInfo& info) {
  return parse_message<ResponseLayout, parse_response>(info, "OCSPResponse");
}

// (memory, start, end, reading): an Int32Array with the layouts of all elements of a list, one after the other.
template <typename Layout, bool (*Parse)(DerContext&, Bytes, std::vector<Layout>&)>
Napi::Value parse_list(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Bytes memory = bytes_of(info[0]);
  DerContext context = context_of(memory, info[3]);
  std::vector<Layout> layouts;
  if (!Parse(context, part_of(memory, info), layouts)) {
    context.fail(memory.data() + context.fault.offset, "list", "not a list that was read before");
    return throw_fault(env, "message", context.fault);
  }
  static_assert(sizeof(Layout) % sizeof(std::int32_t) == 0);
  const std::size_t size = layouts.size() * sizeof(Layout);
  auto array = Napi::Int32Array::New(env, size / sizeof(std::int32_t));
  if (array.IsEmpty()) return array;
  if (size != 0) std::memcpy(array.Data(), layouts.data(), size);
  return array;
}

template <Result<ByteVector> (*Normalize)(Bytes)>
Napi::Value normalize_message(const Napi::CallbackInfo& info) {
  const Bytes data = bytes_of(info[0]);
  if (data.size() > kMaxMessageSize) {
    return throw_error(info.Env(), Error{ErrorCode::kMalformed, "the message is larger than 2 GiB"});
  }
  const auto normalized = Normalize(data);
  if (!normalized.ok()) return throw_error(info.Env(), normalized.error());
  return to_buffer(info.Env(), normalized.value());
}

// (entries, requestorName, extensions)
Napi::Value encode_request(const Napi::CallbackInfo& info) {
  std::vector<RequestEntryFields> entries;
  for_each_element(info[0], [&](const Napi::Value& tuple) { entries.push_back(request_entry_of(tuple)); });
  return to_output(info.Env(), write_request(entries, bytes_of(info[1]), bytes_of(info[2])));
}

std::vector<SingleResponseFields> single_responses_of(const Napi::Value& array) {
  std::vector<SingleResponseFields> responses;
  for_each_element(array, [&](const Napi::Value& tuple) { responses.push_back(single_response_of(tuple)); });
  return responses;
}

Napi::Value encode_single_responses(const Napi::CallbackInfo& info) {
  return to_output(info.Env(), write_single_responses(single_responses_of(info[0])));
}

// (responderIdTag, responderId, producedAt, responses, extensions, encoded)
Napi::Value encode_response_data(const Napi::CallbackInfo& info) {
  ResponseDataFields fields;
  fields.responder_id_tag = info[0].As<Napi::Number>().Int32Value();
  fields.responder_id = bytes_of(info[1]);
  fields.produced_at = info[2].As<Napi::Number>().Int64Value();
  fields.responses = single_responses_of(info[3]);
  fields.extensions = bytes_of(info[4]);
  for_each_element(info[5], [&](const Napi::Value& element) { fields.encoded.push_back(bytes_of(element)); });
  return to_output(info.Env(), write_response_data(fields));
}

}  // namespace

void define_message_functions(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("parseRequest", parse_request_function);
  add("parseRequestEntries", parse_list<RequestEntryLayout, parse_request_entries>);
  add("parseResponse", parse_response_function);
  add("parseSingleResponses", parse_list<SingleResponseLayout, parse_single_responses>);
  add("parseCertificates", parse_list<Range, parse_certificates>);
  add("normalizeRequest", normalize_message<normalize_request>);
  add("normalizeResponse", normalize_message<normalize_response>);
  add("encodeRequest", encode_request);
  add("encodeSingleResponses", encode_single_responses);
  add("encodeResponseData", encode_response_data);
}

}  // namespace ocsp::binding
