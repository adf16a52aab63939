// A certificate as OCSP uses it: names, key bits and serial for CertIDs, the public key for signatures.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "bytes.h"
#include "openssl_ptr.h"
#include "plain_certificate.h"
#include "plain_key.h"
#include "result.h"

namespace ocsp {

// Has OpenSSL read the extensions, which it does once, and keeps. It tells of bad ones then and never again, so what it
// tells later must not depend on who asked first.
void read_extensions(X509* certificate);

class Certificate {
 public:
  // Refuses what OpenSSL refuses. Immutable afterwards, so it may be shared by threads.
  static Result<std::shared_ptr<const Certificate>> parse(Bytes der);

  Bytes der() const { return der_; }
  Bytes serial() const { return serial_; }  // content bytes of the INTEGER
  Bytes issuer() const { return issuer_; }  // Name element, in the encoding of the certificate
  Bytes subject() const { return subject_; }
  Bytes public_key_bits() const { return public_key_bits_; }  // see plain_certificate.h
  // nullptr where OpenSSL cannot use the key.
  EVP_PKEY* public_key() const;
  const char* public_key_type() const;  // OpenSSL's name of it; empty where OpenSSL cannot use the key
  // Where it is plain: its parts, and its key where that is plain as well; else nullptr.
  const std::optional<PlainCertificate>& plain() const { return plain_; }
  std::shared_ptr<PlainKey> plain_key() const;
  // With its extensions read. Decodes a plain one when it is first asked for. Never nullptr: where memory runs out, an
  // empty certificate, which is valid for nothing.
  X509* get() const;

 private:
  explicit Certificate(Bytes der) : der_(der.begin(), der.end()), plain_(read_plain_certificate(der_)) {}
  bool decode() const;

  ByteVector der_;
  std::optional<PlainCertificate> plain_;
  ByteVector own_serial_;  // where it is not in `der_` as it is
  Bytes serial_;
  Bytes issuer_;  // in `der_` or `x509_`
  Bytes subject_;
  Bytes public_key_bits_;
  mutable std::mutex mutex_;  // guards what follows
  mutable X509Ptr x509_;
  mutable std::shared_ptr<PlainKey> plain_key_;
};

}  // namespace ocsp
