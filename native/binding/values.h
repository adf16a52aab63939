// Between JavaScript values and core types. lib/ has validated the shapes before it calls.
#pragma once

#include <napi.h>

#include <optional>
#include <vector>

#include "../core/bytes.h"
#include "../core/message_writer.h"

namespace ocsp::binding {

// The bytes of a Uint8Array; empty for undefined.
Bytes bytes_of(const Napi::Value& value);
// Of the arguments (memory, start, end, ...): what lies between the offsets; nothing when they are not within the
// memory.
Bytes part_of(Bytes memory, const Napi::CallbackInfo& info);
std::optional<Bytes> optional_bytes_of(const Napi::Value& value);
Napi::Value to_buffer(Napi::Env env, Bytes bytes);
// Leaves `bytes` in the output array and returns their number, or a Buffer where they do not fit.
Napi::Value to_output(Napi::Env env, Bytes bytes);

// While its worker is being terminated, every read of a JavaScript object yields an empty value, on which
// node-addon-api aborts the process. These functions take whatever comes: the result no longer matters then.

// [hash, issuerNameHash, issuerKeyHash, serial, extensions]
RequestEntryFields request_entry_of(const Napi::Value& tuple);
// [...request entry, certStatus, revocationTime, revocationReason, thisUpdate, nextUpdate]
SingleResponseFields single_response_of(const Napi::Value& tuple);
// The same in the arguments from `first` on.
SingleResponseFields single_response_of(const Napi::CallbackInfo& info, std::size_t first);

// Calls `take` with each element of an array.
template <typename Take>
void for_each_element(const Napi::Value& array, Take take) {
  if (!array.IsArray()) return;
  const Napi::Array list = array.As<Napi::Array>();
  const std::uint32_t length = list.Length();
  for (std::uint32_t i = 0; i < length; ++i) {
    // Else the garbage collector looks through all that were read, each time.
    const Napi::HandleScope scope(array.Env());
    const Napi::Value element = list.Get(i);
    if (element.IsEmpty()) return;
    take(element);
  }
}

}  // namespace ocsp::binding
