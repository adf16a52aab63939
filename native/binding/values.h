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
Napi::Value to_buffer(Napi::Env env, Bytes bytes);
// Leaves `bytes` in the output array and returns their number, or a Buffer where they do not fit.
Napi::Value to_output(Napi::Env env, Bytes bytes);

// [hash, issuerNameHash, issuerKeyHash, serial, extensions]
RequestEntryFields request_entry_of(const Napi::Array& tuple);
// [...request entry, certStatus, revocationTime, revocationReason, thisUpdate, nextUpdate]
SingleResponseFields single_response_of(const Napi::Array& tuple);

}  // namespace ocsp::binding
