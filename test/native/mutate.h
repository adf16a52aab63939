// Turns messages into almost-messages.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "core/bytes.h"

namespace mutate {

using Engine = std::mt19937_64;

// Bytes changed, inserted or removed anywhere.
ocsp::ByteVector octets(ocsp::ByteVector message, Engine& engine);

// The element tree changed with all lengths kept right, so that readers get past the first header: elements removed,
// doubled, swapped, retagged or refilled; lengths written in other BER forms; strings in segments.
ocsp::ByteVector elements(ocsp::Bytes message, Engine& engine);

}  // namespace mutate
