#include "key_loader.h"

#include <openssl/pkcs12.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include <algorithm>
#include <cstring>

#include "error_queue.h"

namespace ocsp {

namespace {

void free_certificates(STACK_OF(X509) * list) { sk_X509_pop_free(list, X509_free); }

using Pkcs12Ptr = std::unique_ptr<PKCS12, OpensslDeleter<PKCS12_free>>;
using CertificatesPtr = std::unique_ptr<STACK_OF(X509), OpensslDeleter<free_certificates>>;
using StorePtr = std::unique_ptr<OSSL_STORE_CTX, OpensslDeleter<OSSL_STORE_close>>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, OpensslDeleter<OSSL_STORE_INFO_free>>;
using UiMethodPtr = std::unique_ptr<UI_METHOD, OpensslDeleter<UI_destroy_method>>;

// A token may hold any number of objects, and a folder any number of files.
constexpr std::size_t kMaxObjects = 1000;

ByteVector der_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate, &der);
  if (length <= 0) return {};
  ByteVector bytes(der, der + length);
  OPENSSL_free(der);
  return bytes;
}

// The passphrase for those who ask; without one they are told that there is none.
int give_passphrase(char* buffer, int size, int /*writing*/, void* data) {
  const auto& passphrase = *static_cast<const std::optional<std::string>*>(data);
  if (!passphrase || size < 0 || passphrase->size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, passphrase->data(), passphrase->size());
  return static_cast<int>(passphrase->size());
}

}  // namespace

Result<LoadedKey> load_pkcs12(Bytes der, const std::optional<std::string>& passphrase) {
  ErrorQueueScope errors;
  const unsigned char* in = der.data();
  const Pkcs12Ptr pkcs12(d2i_PKCS12(nullptr, &in, static_cast<long>(der.size())));
  if (!pkcs12) return errors.take(ErrorCode::kMalformed, "the PKCS#12 file cannot be parsed");
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  STACK_OF(X509)* others = nullptr;
  const char* text = passphrase ? passphrase->c_str() : nullptr;
  const bool parsed = PKCS12_parse(pkcs12.get(), text, &key, &certificate, &others) == 1;
  EvpPkeyPtr owned_key(key);
  const X509Ptr owned_certificate(certificate);
  const CertificatesPtr owned_others(others);
  if (!parsed) {
    return errors.take(ErrorCode::kMalformed, passphrase ? "the PKCS#12 file cannot be opened"
                                                         : "the PKCS#12 file cannot be opened without a passphrase");
  }
  if (!owned_key) return Error{ErrorCode::kMalformed, "the PKCS#12 file holds no private key", {}, {}, {}};
  LoadedKey loaded{PrivateKey::own(std::move(owned_key)), {}};
  if (owned_certificate) loaded.certificates.push_back(der_of(owned_certificate.get()));
  for (int i = 0; i < sk_X509_num(others); ++i) loaded.certificates.push_back(der_of(sk_X509_value(others, i)));
  return loaded;
}

Result<LoadedKey> load_by_uri(const std::string& uri, const std::optional<std::string>& passphrase) {
  ErrorQueueScope errors;
  const UiMethodPtr ui(UI_UTIL_wrap_read_pem_callback(give_passphrase, 0));
  if (!ui) return errors.take(ErrorCode::kOpenssl, "out of memory");
  const StorePtr store(
      OSSL_STORE_open(uri.c_str(), ui.get(), const_cast<std::optional<std::string>*>(&passphrase), nullptr, nullptr));
  if (!store) return errors.take(ErrorCode::kOpenssl, "OpenSSL cannot open the store of the private key");
  LoadedKey loaded;
  std::vector<X509Ptr> certificates;
  for (std::size_t i = 0; i < kMaxObjects && OSSL_STORE_eof(store.get()) == 0; ++i) {
    const StoreInfoPtr info(OSSL_STORE_load(store.get()));
    if (!info) {
      if (OSSL_STORE_error(store.get()) != 0) break;
      continue;
    }
    const int type = OSSL_STORE_INFO_get_type(info.get());
    if (type == OSSL_STORE_INFO_PKEY && loaded.key) {
      return Error{ErrorCode::kInvalidValue, "there is more than one private key at this URI", {}, {}, {}};
    }
    if (type == OSSL_STORE_INFO_PKEY) {
      loaded.key = PrivateKey::own(EvpPkeyPtr(OSSL_STORE_INFO_get1_PKEY(info.get())));
    } else if (type == OSSL_STORE_INFO_CERT) {
      certificates.emplace_back(OSSL_STORE_INFO_get1_CERT(info.get()));
    }
  }
  if (!loaded.key) return errors.take(ErrorCode::kMalformed, "there is no private key that can be read at this URI");
  std::stable_partition(certificates.begin(), certificates.end(), [&](const X509Ptr& certificate) {
    EVP_PKEY* key = X509_get0_pubkey(certificate.get());
    return key != nullptr && EVP_PKEY_eq(key, loaded.key->get()) == 1;
  });
  for (const X509Ptr& certificate : certificates) loaded.certificates.push_back(der_of(certificate.get()));
  return loaded;
}

}  // namespace ocsp
