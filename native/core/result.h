// What an operation yields: a value, or an error that says what was wrong. Core code throws nothing.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ocsp {

enum class ErrorCode { kMalformed, kMissingPassphrase, kInvalidValue, kUnsupportedAlgorithm, kKeyMismatch, kOpenssl };

struct Error {
  ErrorCode code;
  std::string message;
  // OpenSSL's own words, empty where OpenSSL did not speak. `stack` holds the further entries, newest first.
  std::string library{};
  std::string reason{};
  std::vector<std::string> stack{};
  std::string entry{};  // the entry that library and reason are of, in the form of those in `stack`
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  T& value() { return *std::get_if<0>(&state_); }
  const T& value() const { return *std::get_if<0>(&state_); }
  Error& error() { return *std::get_if<1>(&state_); }
  const Error& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace ocsp
