// PKCS#12 files: a private key, its certificate, and others.
#pragma once

#include <optional>
#include <vector>

#include "bytes.h"
#include "result.h"

namespace ocsp {

struct Pkcs12 {
  ByteVector private_key;  // PKCS#8 PrivateKeyInfo; whoever takes it overwrites it
  ByteVector certificate;  // that of the key; empty when there is none
  std::vector<ByteVector> others;
};

// As OpenSSL's PKCS12_parse, but a file with several private keys is refused unless `certificate_of_key` (DER) chooses
// one. `passphrase` is UTF-8 without NUL. A file that asks for more rounds of key derivation than anybody has reason to
// is refused before it costs them.
Result<Pkcs12> parse_pkcs12(Bytes data, const std::optional<Bytes>& passphrase,
                            const std::optional<Bytes>& certificate_of_key = std::nullopt);

}  // namespace ocsp
