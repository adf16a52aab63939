// What one instance of the addon (one environment: main thread or worker) holds.
#pragma once

#include <napi.h>

#include <cstdint>

namespace ocsp::binding {

struct AddonData {
  Napi::FunctionReference error_class;  // OCSPError
  // The Int32Array that the parsers fill; JavaScript reads it before it calls anything else.
  Napi::Reference<Napi::Int32Array> layout;
  std::int32_t* layout_data = nullptr;
  std::size_t layout_length = 0;

  // A Uint8Array that short results are left in: a Buffer of its own would cost more than the result.
  Napi::Reference<Napi::Uint8Array> output;
  std::uint8_t* output_data = nullptr;
  std::size_t output_length = 0;

  static AddonData& of(Napi::Env env) { return *env.GetInstanceData<AddonData>(); }
};

}  // namespace ocsp::binding
