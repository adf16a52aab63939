#include "segment.h"

#include <array>
#include <cstring>

#include "../core/segment_search.h"
#include "values.h"

namespace ocsp::binding {

namespace {

// Writable bytes of a Uint8Array of our own.
std::span<std::uint8_t> room_of(const Napi::Value& value) {
  const Bytes bytes = bytes_of(value);
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
}

// (descriptor, shape and keys, out, at, blocks): bytes written, -1 where there is something to be told
Napi::Value find_frames_function(const Napi::CallbackInfo& info) {
  const Napi::Value failed = Napi::Number::New(info.Env(), -1);
  const Bytes bytes = bytes_of(info[1]);
  std::array<double, 6> numbers{};
  if (bytes.size() < sizeof numbers) return failed;
  std::memcpy(numbers.data(), bytes.data(), sizeof numbers);
  const auto& [index_offset, entries, key_width, block_entries, seed, first_block] = numbers;
  const Segment segment = {
      info[0].As<Napi::Number>().Int32Value(),
      {static_cast<std::uint64_t>(index_offset), static_cast<std::uint32_t>(entries),
       static_cast<std::uint32_t>(key_width), static_cast<std::uint32_t>(block_entries),
       static_cast<std::uint32_t>(seed), static_cast<std::uint64_t>(first_block)},
      bytes.subspan(sizeof numbers),
  };
  const std::size_t width = segment.shape.key_width;
  const std::span<std::uint8_t> out = room_of(info[2]);
  const std::size_t at = info[3].As<Napi::Number>().Uint32Value();
  if (width == 0 || width > segment.fences.size() || at > out.size()) return failed;
  const auto length = find_frames(segment, segment.fences.last(width), out.subspan(at), room_of(info[4]));
  return length ? Napi::Number::New(info.Env(), static_cast<double>(*length)) : failed;
}

}  // namespace

void define_segment_function(Napi::Env env, Napi::Object exports) {
  exports.Set("findFrames", Napi::Function::New(env, find_frames_function, "findFrames"));
}

}  // namespace ocsp::binding
