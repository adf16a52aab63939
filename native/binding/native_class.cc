#include "native_class.h"

#include <random>

namespace ocsp::binding {

napi_type_tag random_type_tag() {
  std::random_device random;
  const auto word = [&] { return (std::uint64_t{random()} << 32) | random(); };
  return {word(), word()};
}

}  // namespace ocsp::binding
