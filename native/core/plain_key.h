// Public keys of the kinds that nearly all certificates have, without OpenSSL's decoders, which take longer to find out
// what a key is than to verify a signature with it.
#pragma once

#include "bytes.h"
#include "openssl_ptr.h"

namespace ocsp {

// The key of a SubjectPublicKeyInfo element: RSA of usual sizes, a point of P-256, P-384 or P-521 that is not
// compressed, Ed25519, Ed448. Each has one encoding here, so keys are equal where their elements are. nullptr says no
// more than that OpenSSL is to be asked.
EvpPkeyPtr read_plain_key(Bytes element);

}  // namespace ocsp
