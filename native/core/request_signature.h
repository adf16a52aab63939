// Signing a request (RFC 6960 4.1.2): what OCSP_request_sign does, for every key and padding that responses have.
#pragma once

#include <memory>
#include <vector>

#include "private_key.h"

namespace ocsp {

// The request in `der` with a signature by `key` over its tbsRequest. `certificates` travel in the signature, in this
// order. A signature that is there already is replaced. Fails with kKeyMismatch when the key is not that of `signer`.
Result<ByteVector> sign_request(Bytes der, PrivateKey& key, const std::shared_ptr<const Certificate>& signer,
                                const SignatureScheme& scheme,
                                const std::vector<std::shared_ptr<const Certificate>>& certificates);

}  // namespace ocsp
