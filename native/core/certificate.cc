#include "certificate.h"

#include <climits>

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

Result<std::shared_ptr<const Certificate>> Certificate::parse(Bytes der) {
  ErrorQueueScope errors;
  const unsigned char* in = der.data();
  X509Ptr x509(der.size() <= LONG_MAX ? d2i_X509(nullptr, &in, static_cast<long>(der.size())) : nullptr);
  if (!x509 || in != der.data() + der.size()) {
    return errors.take(ErrorCode::kMalformed, "the certificate cannot be parsed");
  }
  ByteVector serial = integer_content(X509_get0_serialNumber(x509.get()));
  return std::shared_ptr<const Certificate>(new Certificate(std::move(x509), der, std::move(serial)));
}

Certificate::Certificate(X509Ptr x509, Bytes der, ByteVector serial)
    : x509_(std::move(x509)),
      der_(der.begin(), der.end()),
      serial_(std::move(serial)),
      issuer_(name_bytes(X509_get_issuer_name(x509_.get()))),
      subject_(name_bytes(X509_get_subject_name(x509_.get()))) {}

Bytes Certificate::public_key_bits() const {
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(x509_.get());
  return {ASN1_STRING_get0_data(bits), static_cast<std::size_t>(ASN1_STRING_length(bits))};
}

EVP_PKEY* Certificate::public_key() const { return X509_get0_pubkey(x509_.get()); }

const char* Certificate::public_key_type() const {
  const EVP_PKEY* key = public_key();
  const char* type = key == nullptr ? nullptr : EVP_PKEY_get0_type_name(key);
  return type == nullptr ? "" : type;
}

}  // namespace ocsp
