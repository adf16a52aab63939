// Public keys of the kinds that nearly all certificates have, without OpenSSL's decoders, which take longer to find out
// what a key is than to verify a signature with it.
#pragma once

#include <memory>

#include "bytes.h"
#include "message_signature.h"
#include "openssl_ptr.h"

namespace ocsp {

// The key of a SubjectPublicKeyInfo element: RSA of usual sizes, a point of P-256, P-384 or P-521 that is not
// compressed, Ed25519, Ed448. Each has one encoding here, so keys are equal where their elements are. nullptr says no
// more than that OpenSSL is to be asked.
EvpPkeyPtr read_plain_key(Bytes element);

// Such a key, with what verifies by it. Certificates come and go more often than keys do: the latest keys are kept, and
// what is prepared for one serves all certificates of it. A key says nothing about who may sign with it.
class PlainKey {
 public:
  // nullptr as above.
  static std::shared_ptr<PlainKey> of(Bytes element);

  PlainKey(Bytes element, EVP_PKEY* key) : element_(element.begin(), element.end()), verifier_(key) {}
  Bytes bytes() const { return element_; }
  SignatureVerifier& verifier() { return verifier_; }

 private:
  const ByteVector element_;
  SignatureVerifier verifier_;
};

}  // namespace ocsp
