// OpenSSL's own way to build and read a request.
#include "support.h"

namespace baseline {

namespace {

using RequestPtr = std::unique_ptr<OCSP_REQUEST, Deleter<OCSP_REQUEST_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;

// (certificate, issuer, iterations)
Napi::Value build_request(const Napi::CallbackInfo& info) {
  X509* certificate = certificate_of(info[0]);
  X509* issuer = certificate_of(info[1]);
  bool ok = true;
  for (std::uint32_t i = count_of(info[2]); ok && i > 0; --i) {
    const RequestPtr request(OCSP_REQUEST_new());
    OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), certificate, issuer);
    unsigned char* der = nullptr;
    ok = OCSP_request_add0_id(request.get(), id) != nullptr && i2d_OCSP_REQUEST(request.get(), &der) > 0;
    OPENSSL_free(der);
  }
  return done(info.Env(), ok, "OCSP_cert_to_id");
}

// (der, issuer, iterations): the same for a certificate that is new each time.
Napi::Value build_request_from_der(const Napi::CallbackInfo& info) {
  const Octets in = octets_of(info[0]);
  X509* issuer = certificate_of(info[1]);
  bool ok = true;
  for (std::uint32_t i = count_of(info[2]); ok && i > 0; --i) {
    const unsigned char* data = in.data;
    const X509Ptr certificate(d2i_X509(nullptr, &data, in.size));
    const RequestPtr request(OCSP_REQUEST_new());
    OCSP_CERTID* id = certificate ? OCSP_cert_to_id(EVP_sha1(), certificate.get(), issuer) : nullptr;
    unsigned char* der = nullptr;
    ok = id != nullptr && OCSP_request_add0_id(request.get(), id) != nullptr &&
         i2d_OCSP_REQUEST(request.get(), &der) > 0;
    OPENSSL_free(der);
  }
  return done(info.Env(), ok, "OCSP_cert_to_id");
}

// (der, iterations): d2i, and the getters of the CertID. Nothing is converted.
Napi::Value parse_request(const Napi::CallbackInfo& info) {
  const Octets in = octets_of(info[0]);
  bool ok = true;
  for (std::uint32_t i = count_of(info[1]); ok && i > 0; --i) {
    const unsigned char* data = in.data;
    const RequestPtr request(d2i_OCSP_REQUEST(nullptr, &data, in.size));
    if (!request || OCSP_request_onereq_count(request.get()) != 1) return done(info.Env(), false, "d2i_OCSP_REQUEST");
    ASN1_OCTET_STRING *name = nullptr, *key = nullptr;
    ASN1_OBJECT* hash = nullptr;
    ASN1_INTEGER* serial = nullptr;
    OCSP_CERTID* id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), 0));
    ok = OCSP_id_get0_info(&name, &hash, &key, &serial, id) == 1;
  }
  return done(info.Env(), ok, "OCSP_id_get0_info");
}

}  // namespace

void define_requests(Napi::Env env, Napi::Object exports) {
  exports.Set("buildRequest", Napi::Function::New(env, build_request));
  exports.Set("buildRequestFromDer", Napi::Function::New(env, build_request_from_der));
  exports.Set("parseRequest", Napi::Function::New(env, parse_request));
}

}  // namespace baseline
