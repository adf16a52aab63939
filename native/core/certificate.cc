#include "certificate.h"

#include <climits>
#include <utility>

#include "der_reader.h"
#include "error_queue.h"

namespace ocsp {

namespace {

Bytes name_bytes(const X509_NAME* name) {
  const unsigned char* der = nullptr;
  std::size_t length = 0;
  if (X509_NAME_get0_der(name, &der, &length) != 1) return {};
  return {der, length};
}

ByteVector integer_content(const ASN1_INTEGER* integer) {
  const int length = i2d_ASN1_INTEGER(integer, nullptr);
  if (length <= 0) return {};
  ByteVector element(static_cast<std::size_t>(length));
  unsigned char* out = element.data();
  i2d_ASN1_INTEGER(integer, &out);
  DerContext context{element.data(), false, {}};
  DerReader reader(context, element);
  Bytes content;
  reader.read(tag::kInteger, content, "serialNumber");
  return {content.begin(), content.end()};
}

}  // namespace

void read_extensions(X509* certificate) {
  ErrorQueueScope quiet;
  X509_check_purpose(certificate, -1, 0);
}

namespace {

X509* empty_certificate() {
  // Never destroyed: threads may verify while the process exits.
  static X509* const empty = X509_new();
  return empty;
}

}  // namespace

Result<std::shared_ptr<const Certificate>> Certificate::parse(Bytes der) {
  ErrorQueueScope errors;
  const auto refuse = [&] { return errors.take(ErrorCode::kMalformed, "the certificate cannot be parsed"); };
  if (der.size() > LONG_MAX || empty_certificate() == nullptr) return refuse();
  std::shared_ptr<Certificate> made(new Certificate(der));
  if (made->plain_) {
    made->serial_ = made->plain_->serial;
    made->issuer_ = made->plain_->issuer;
    made->subject_ = made->plain_->subject;
    made->public_key_bits_ = made->plain_->public_key_bits;
    return std::shared_ptr<const Certificate>(std::move(made));
  }
  if (!made->decode()) return refuse();
  X509* x509 = made->x509_.get();
  made->own_serial_ = integer_content(X509_get0_serialNumber(x509));
  made->serial_ = made->own_serial_;
  made->issuer_ = name_bytes(X509_get_issuer_name(x509));
  made->subject_ = name_bytes(X509_get_subject_name(x509));
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(x509);
  made->public_key_bits_ = {ASN1_STRING_get0_data(bits), static_cast<std::size_t>(ASN1_STRING_length(bits))};
  return std::shared_ptr<const Certificate>(std::move(made));
}

bool Certificate::decode() const {
  const unsigned char* in = der_.data();
  x509_.reset(d2i_X509(nullptr, &in, static_cast<long>(der_.size())));
  if (x509_ && in != der_.data() + der_.size()) x509_.reset();
  // OpenSSL keeps what it reads of the extensions. Some of its functions, X509_check_akid among them, take it for read;
  // and better now than at the first of many threads, as it takes a lock.
  if (x509_) read_extensions(x509_.get());
  return x509_ != nullptr;
}

X509* Certificate::get() const {
  const std::lock_guard lock(mutex_);
  if (!x509_) {
    ErrorQueueScope quiet;
    if (!decode()) return empty_certificate();
  }
  return x509_.get();
}

EVP_PKEY* Certificate::public_key() const {
  if (const auto key = plain_key()) return key->verifier().key();
  const ErrorQueueScope quiet;
  return X509_get0_pubkey(get());
}

std::shared_ptr<PlainKey> Certificate::plain_key() const {
  if (!plain_) return nullptr;
  const std::lock_guard lock(mutex_);
  if (!plain_key_) plain_key_ = PlainKey::of(plain_->public_key);
  return plain_key_;
}

const char* Certificate::public_key_type() const {
  const EVP_PKEY* key = public_key();
  const char* type = key == nullptr ? nullptr : EVP_PKEY_get0_type_name(key);
  return type == nullptr ? "" : type;
}

}  // namespace ocsp
