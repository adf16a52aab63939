#include "segment_table.h"

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "../core/segment_table.h"
#include "errors.h"
#include "values.h"

namespace ocsp::binding {

namespace {

// Writable bytes of a Uint8Array of our own.
std::span<std::uint8_t> room_of(const Napi::Value& value) {
  const Bytes bytes = bytes_of(value);
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
}

// [file, shape and fences, filter]
std::optional<TableSegment> segment_of(const Napi::Value& tuple) {
  if (!tuple.IsArray()) return std::nullopt;
  const Napi::Array array = tuple.As<Napi::Array>();
  const std::span<std::uint8_t> file = room_of(array.Get(0U));
  const Bytes index = bytes_of(array.Get(1U));
  std::array<double, 6> numbers{};
  if (file.size() < sizeof(FileState) || index.size() < sizeof numbers) return std::nullopt;
  std::memcpy(numbers.data(), index.data(), sizeof numbers);
  const auto& [index_offset, entries, key_width, block_entries, seed, first_block] = numbers;
  return TableSegment{
      reinterpret_cast<FileState*>(file.data()),
      {static_cast<std::uint64_t>(index_offset), static_cast<std::uint32_t>(entries),
       static_cast<std::uint32_t>(key_width), static_cast<std::uint32_t>(block_entries),
       static_cast<std::uint32_t>(seed), static_cast<std::uint64_t>(first_block)},
      index.subspan(sizeof numbers),
      bytes_of(array.Get(2U)),
  };
}

// A table, and what it looks into.
struct Table {
  SegmentTable segments;
  std::span<std::uint8_t> out;
  Napi::ObjectReference memory;
};

// (segments, out, blocks, found)
Napi::Value segment_table(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array memory = Napi::Array::New(env);
  for (std::uint32_t i = 0; i < 4; ++i) memory.Set(i, info[i]);
  static std::atomic<std::uint64_t> next_number = 0;
  SegmentTable segments(room_of(info[2]), FrameMemory(room_of(info[3])), next_number++);
  auto table = std::make_unique<Table>(Table{std::move(segments), room_of(info[1]), {}});
  table->memory = Napi::Persistent<Napi::Object>(memory);
  bool refused = false;
  for_each_element(info[0], [&](const Napi::Value& tuple) {
    const auto segment = segment_of(tuple);
    if (segment) {
      table->segments.add(*segment);
    } else {
      refused = true;
    }
  });
  // Without it, those after it would have another place than in JavaScript.
  if (refused) return throw_error(env, {ErrorCode::kInvalidValue, "a segment is not what it should be"});
  return Napi::External<Table>::New(env, table.release(), [](Napi::Env, Table* it) { delete it; });
}

// (table, serial): bytes of frames; or -1 and less, for the place of a segment that has to be looked at
Napi::Value find_frames_function(const Napi::CallbackInfo& info) {
  Table& table = *info[0].As<Napi::External<Table>>().Data();
  const auto found = table.segments.find(bytes_of(info[1]), table.out);
  const double result =
      found.open_question ? -1 - static_cast<double>(*found.open_question) : static_cast<double>(found.length);
  return Napi::Number::New(info.Env(), result);
}

}  // namespace

void define_segment_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("segmentTable", Napi::Function::New(env, segment_table, "segmentTable"));
  exports.Set("findFrames", Napi::Function::New(env, find_frames_function, "findFrames"));
}

}  // namespace ocsp::binding
