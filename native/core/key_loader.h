// Private keys that OpenSSL reads by itself, with the certificates that lie beside them.
#pragma once

#include <optional>
#include <string>

#include "private_key.h"

namespace ocsp {

struct LoadedKey {
  std::shared_ptr<PrivateKey> key;
  std::vector<ByteVector> certificates;  // DER; that of the key first, where there is one
};

// A PKCS#12 file (RFC 7292). Without a passphrase both none and the empty one are tried.
Result<LoadedKey> load_pkcs12(Bytes der, const std::optional<std::string>& passphrase);

// Whatever an OSSL_STORE_LOADER of the running OpenSSL opens: `file:` always, others by providers.
Result<LoadedKey> load_by_uri(const std::string& uri, const std::optional<std::string>& passphrase);

}  // namespace ocsp
