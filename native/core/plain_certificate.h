// A certificate as nearly all of them are, read without OpenSSL, which takes longer to decode one than to verify its
// signature. What is plain, OpenSSL reads in the same way. What is not plain is not bad: OpenSSL is asked then.
#pragma once

#include <optional>

#include "signer_certificate.h"

namespace ocsp {

// Parts of one DER that the caller keeps.
struct PlainCertificate {
  Bytes tbs;              // the element
  Bytes serial;           // content bytes of the INTEGER
  Bytes algorithm;        // of the signature: the element, which is the same inside and outside of tbsCertificate
  Bytes issuer;           // Name element
  Bytes subject;          // Name element
  Bytes public_key_bits;  // subjectPublicKey without tag, length and unused-bits byte (RFC 6960 4.1.1)
  Bytes extensions;       // the elements of the list
  Bytes signature;        // whole bytes
};

std::optional<PlainCertificate> read_plain_certificate(Bytes der);

// Whether a certificate is plain, and issuer_mismatch() (authority_info.h) is sure to find nothing. False says nothing.
bool is_plainly_issued_by(Bytes der, SignerCertificate& issuer);

}  // namespace ocsp
