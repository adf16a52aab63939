// A certificate as OCSP uses it: names, key bits and serial for CertIDs, the public key for signatures.
#pragma once

#include <memory>

#include "bytes.h"
#include "openssl_ptr.h"
#include "result.h"

namespace ocsp {

// Has OpenSSL read the extensions, which it does once, and keeps. It tells of bad ones then and never again, so what it
// tells later must not depend on who asked first.
void read_extensions(X509* certificate);

class Certificate {
 public:
  // Decodes with OpenSSL. Immutable afterwards, so it may be shared by threads.
  static Result<std::shared_ptr<const Certificate>> parse(Bytes der);

  Bytes der() const { return der_; }
  Bytes serial() const { return serial_; }  // content bytes of the INTEGER
  Bytes issuer() const { return issuer_; }  // Name element, in the encoding of the certificate
  Bytes subject() const { return subject_; }
  Bytes public_key_bits() const;  // subjectPublicKey without tag, length and unused-bits byte (RFC 6960 4.1.1)
  // nullptr where OpenSSL cannot use the key.
  EVP_PKEY* public_key() const;
  const char* public_key_type() const;  // OpenSSL's name of it; empty where OpenSSL cannot use the key
  X509* get() const { return x509_.get(); }

 private:
  Certificate(X509Ptr x509, Bytes der, ByteVector serial);

  X509Ptr x509_;
  ByteVector der_;
  ByteVector serial_;
  Bytes issuer_;  // in x509_
  Bytes subject_;
};

}  // namespace ocsp
