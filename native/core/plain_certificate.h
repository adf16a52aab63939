// A certificate as nearly all of them are, read without OpenSSL, which takes longer to decode one than to verify its
// signature. What is plain, OpenSSL reads in the same way. What is not plain is not bad: OpenSSL is asked then.
#pragma once

#include <cstdint>
#include <optional>

#include "der_reader.h"

namespace ocsp {

// Parts of one DER that the caller keeps.
struct PlainCertificate {
  Bytes tbs;        // the element
  int version = 0;  // as it is encoded: 2 is v3
  Bytes serial;     // content bytes of the INTEGER
  Bytes algorithm;  // of the signature: the element, the same inside and outside of tbsCertificate
  Bytes issuer;     // Name element
  std::optional<std::int64_t> not_before;  // seconds since 1970-01-01; not there where it is written in another form
  std::optional<std::int64_t> not_after;
  Bytes subject;          // Name element
  Bytes public_key;       // SubjectPublicKeyInfo element
  Bytes public_key_bits;  // subjectPublicKey without tag, length and unused-bits byte (RFC 6960 4.1.1)
  Bytes extensions;       // the elements of the list
  Bytes signature;        // whole bytes
};

std::optional<PlainCertificate> read_plain_certificate(Bytes der);

// A Name without empty attributes, or such of unusual types.
bool read_plain_name(DerReader& in, Bytes& element);

}  // namespace ocsp
