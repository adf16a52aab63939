// OpenSSL's own way to sign, read and verify a response.
#include "support.h"

namespace baseline {

namespace {

using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>>;
using CertIdPtr = std::unique_ptr<OCSP_CERTID, Deleter<OCSP_CERTID_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
struct FreeList {
  void operator()(STACK_OF(X509) * list) const { sk_X509_free(list); }
};
using CertificateListPtr = std::unique_ptr<STACK_OF(X509), FreeList>;

bool sign(X509* signer, EVP_PKEY* key, const EVP_MD* md, unsigned long flags) {
  const BasicPtr basic(OCSP_BASICRESP_new());
  const CertIdPtr id(OCSP_cert_to_id(EVP_sha1(), signer, signer));
  const TimePtr now(X509_gmtime_adj(nullptr, 0));
  const TimePtr later(X509_gmtime_adj(nullptr, 3600));
  OCSP_basic_add1_status(basic.get(), id.get(), V_OCSP_CERTSTATUS_GOOD, 0, nullptr, now.get(), later.get());
  if (OCSP_basic_sign(basic.get(), signer, key, md, nullptr, flags) != 1) return false;
  const ResponsePtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* der = nullptr;
  const int length = i2d_OCSP_RESPONSE(response.get(), &der);
  OPENSSL_free(der);
  return length > 0;
}

// (key, certificate, hash, embed, iterations): the certificate answers for itself, by key hash.
Napi::Value sign_response(const Napi::CallbackInfo& info) {
  EVP_PKEY* key = key_of(info[0]);
  X509* certificate = certificate_of(info[1]);
  const MdPtr md = md_of(info[2]);
  const unsigned long flags = OCSP_RESPID_KEY | (info[3].As<Napi::Boolean>().Value() ? 0 : OCSP_NOCERTS);
  bool ok = true;
  for (std::uint32_t i = count_of(info[4]); ok && i > 0; --i) ok = sign(certificate, key, md.get(), flags);
  return done(info.Env(), ok, "OCSP_basic_sign");
}

bool parse(Octets in) {
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &in.data, in.size));
  const BasicPtr basic(response ? OCSP_response_get1_basic(response.get()) : nullptr);
  if (!basic || OCSP_resp_count(basic.get()) != 1) return false;
  const OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), 0);
  ASN1_GENERALIZEDTIME *revoked = nullptr, *from = nullptr, *until = nullptr;
  int reason = 0;
  OCSP_single_get0_status(const_cast<OCSP_SINGLERESP*>(single), &reason, &revoked, &from, &until);
  ASN1_INTEGER* serial = nullptr;
  OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single)));
  const ASN1_OCTET_STRING* key = nullptr;
  const X509_NAME* name = nullptr;
  OCSP_resp_get0_id(basic.get(), &key, &name);
  return OCSP_resp_get0_produced_at(basic.get()) != nullptr && serial != nullptr && from != nullptr;
}

// (der, iterations): d2i, and the getters of status, serial number, times and responder id. Nothing is converted.
Napi::Value parse_response(const Napi::CallbackInfo& info) {
  const Octets in = octets_of(info[0]);
  bool ok = true;
  for (std::uint32_t i = count_of(info[1]); ok && i > 0; --i) ok = parse(in);
  return done(info.Env(), ok, "d2i_OCSP_RESPONSE");
}

// (der, certificate, iterations): the signature only, with a certificate that is trusted as it is.
Napi::Value verify_response(const Napi::CallbackInfo& info) {
  const Octets in = octets_of(info[0]);
  X509* certificate = certificate_of(info[1]);
  const StorePtr store(X509_STORE_new());
  const CertificateListPtr certificates(sk_X509_new_null());
  bool ok = sk_X509_push(certificates.get(), certificate) > 0;
  for (std::uint32_t i = count_of(info[2]); ok && i > 0; --i) {
    const unsigned char* data = in.data;
    const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &data, in.size));
    const BasicPtr basic(response ? OCSP_response_get1_basic(response.get()) : nullptr);
    ok = basic && OCSP_basic_verify(basic.get(), certificates.get(), store.get(), OCSP_TRUSTOTHER) == 1;
  }
  return done(info.Env(), ok, "OCSP_basic_verify");
}

}  // namespace

void define_responses(Napi::Env env, Napi::Object exports) {
  exports.Set("signResponse", Napi::Function::New(env, sign_response));
  exports.Set("parseResponse", Napi::Function::New(env, parse_response));
  exports.Set("verifyResponse", Napi::Function::New(env, verify_response));
}

}  // namespace baseline
