// What the parts of the oracle share: owning pointers, arguments, and JSON.
#pragma once

#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace oracle {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free>>;
using BnPtr = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using NamePtr = std::unique_ptr<X509_NAME, Deleter<X509_NAME_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using TimePtr = std::unique_ptr<ASN1_GENERALIZEDTIME, Deleter<ASN1_GENERALIZEDTIME_free>>;
using RequestPtr = std::unique_ptr<OCSP_REQUEST, Deleter<OCSP_REQUEST_free>>;
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;
using CertIdPtr = std::unique_ptr<OCSP_CERTID, Deleter<OCSP_CERTID_free>>;

struct StackDeleter {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), StackDeleter>;

using Bytes = std::vector<unsigned char>;
using Arguments = std::vector<std::string_view>;

// A question that makes no sense: a mistake in the harness, which ends the program.
[[noreturn]] void fail(std::string_view what);

// Fields of an argument; '-' and nothing at all are an empty list.
std::vector<std::string_view> split(std::string_view text, char separator);
Bytes unhex(std::string_view text);
long number(std::string_view text);

// DER, in hex, of things that are right by construction.
X509Ptr certificate(std::string_view hex);
StackPtr certificates(std::string_view comma_separated);
PkeyPtr private_key(std::string_view hex);
ExtensionPtr extension(std::string_view hex);
// Null for '-'.
const EVP_MD* digest(std::string_view name);
TimePtr time_at(std::string_view seconds);

// What d2i says of arbitrary bytes.
RequestPtr parse_request(std::string_view hex);
ResponsePtr parse_response(std::string_view hex);
BasicPtr parse_basic(std::string_view hex);

std::string hex(std::span<const unsigned char> bytes);

// `i2d` in hex; empty when OpenSSL refuses.
template <typename T, typename Encode>
std::string encoded(const T* object, Encode i2d) {
  unsigned char* der = nullptr;
  const int length = object == nullptr ? -1 : i2d(object, &der);
  if (length <= 0) return {};
  std::string text = hex({der, static_cast<std::size_t>(length)});
  OPENSSL_free(der);
  return text;
}

// JSON values.
std::string quoted(std::string_view text);
std::string list(const std::vector<std::string>& values);
std::string object(const std::map<std::string, std::string>& members);

// A question's name, and its answer in JSON. Each file adds its own.
using Questions = std::map<std::string_view, std::string (*)(const Arguments&)>;
void add_reading(Questions& questions);
void add_building(Questions& questions);
void add_judging(Questions& questions);

}  // namespace oracle
