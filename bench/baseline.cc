// What the library is measured against, in the same process and on the same OpenSSL: bare signatures, and OpenSSL's own
// OCSP functions called from C++ with nothing of JavaScript around them. Every function runs `iterations` rounds.
#include <napi.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include <memory>
#include <thread>
#include <vector>

namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using MdCtx = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Basic = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;
using Response = std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>>;
using Request = std::unique_ptr<OCSP_REQUEST, Deleter<OCSP_REQUEST_free>>;
using Time = std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>>;

struct Octets {
  const unsigned char* data;
  long size;
};

Octets octets_of(const Napi::Value& value) {
  auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), static_cast<long>(array.ByteLength())};
}

Pkey key_of(const Napi::Value& value) {
  Octets in = octets_of(value);
  return Pkey(d2i_AutoPrivateKey(nullptr, &in.data, in.size));
}

Certificate certificate_of(const Napi::Value& value) {
  Octets in = octets_of(value);
  return Certificate(d2i_X509(nullptr, &in.data, in.size));
}

const EVP_MD* md_of(const Napi::Value& value) {
  return value.IsString() ? EVP_get_digestbyname(value.As<Napi::String>().Utf8Value().c_str()) : nullptr;
}

void sign_rounds(EVP_PKEY* key, const EVP_MD* md, std::uint32_t iterations) {
  const std::vector<unsigned char> data(160, 0x5a);  // the size of a usual ResponseData
  std::vector<unsigned char> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  const MdCtx prepared(EVP_MD_CTX_new());
  EVP_DigestSignInit(prepared.get(), nullptr, md, nullptr, key);
  const MdCtx copy(EVP_MD_CTX_new());
  for (std::uint32_t i = 0; i < iterations; ++i) {
    std::size_t length = signature.size();
    EVP_MD_CTX_copy_ex(copy.get(), prepared.get());
    EVP_DigestSign(copy.get(), signature.data(), &length, data.data(), data.size());
  }
}

// (pkcs8, hash, iterations, threads): the limit. EVP_DigestSign on a copied context, which is the fastest form that all
// key types have.
Napi::Value raw_sign(const Napi::CallbackInfo& info) {
  const Pkey key = key_of(info[0]);
  const EVP_MD* md = md_of(info[1]);
  const std::uint32_t iterations = info[2].As<Napi::Number>().Uint32Value();
  const std::uint32_t count = info[3].As<Napi::Number>().Uint32Value();
  if (count == 1) {
    sign_rounds(key.get(), md, iterations);
    return info.Env().Undefined();
  }
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < count; ++i) {
    threads.emplace_back([&] { sign_rounds(key.get(), md, iterations / count); });
  }
  for (auto& thread : threads) thread.join();
  return info.Env().Undefined();
}

// (pkcs8, certificate, issuer, hash, embed, iterations): OCSP_basic_sign and all around it.
Napi::Value openssl_sign(const Napi::CallbackInfo& info) {
  const Pkey key = key_of(info[0]);
  const Certificate signer = certificate_of(info[1]);
  const Certificate issuer = certificate_of(info[2]);
  const EVP_MD* md = md_of(info[3]);
  const unsigned long flags = OCSP_RESPID_KEY | (info[4].As<Napi::Boolean>().Value() ? 0 : OCSP_NOCERTS);
  const std::uint32_t iterations = info[5].As<Napi::Number>().Uint32Value();
  for (std::uint32_t i = 0; i < iterations; ++i) {
    const Basic basic(OCSP_BASICRESP_new());
    OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), signer.get(), issuer.get());
    const Time now(X509_gmtime_adj(nullptr, 0));
    const Time later(X509_gmtime_adj(nullptr, 3600));
    OCSP_basic_add1_status(basic.get(), id, V_OCSP_CERTSTATUS_GOOD, 0, nullptr, now.get(), later.get());
    OCSP_CERTID_free(id);
    OCSP_basic_sign(basic.get(), signer.get(), key.get(), md, nullptr, flags);
    const Response response(OCSP_response_create(0, basic.get()));
    unsigned char* der = nullptr;
    i2d_OCSP_RESPONSE(response.get(), &der);
    OPENSSL_free(der);
  }
  return info.Env().Undefined();
}

// (der, iterations): d2i and the getters of what the parse group reads.
Napi::Value openssl_parse(const Napi::CallbackInfo& info) {
  const Octets in = octets_of(info[0]);
  const std::uint32_t iterations = info[1].As<Napi::Number>().Uint32Value();
  for (std::uint32_t i = 0; i < iterations; ++i) {
    const unsigned char* data = in.data;
    const Response response(d2i_OCSP_RESPONSE(nullptr, &data, in.size));
    const Basic basic(OCSP_response_get1_basic(response.get()));
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), 0);
    int reason = 0;
    ASN1_GENERALIZEDTIME *revoked = nullptr, *from = nullptr, *until = nullptr;
    OCSP_single_get0_status(single, &reason, &revoked, &from, &until);
    const ASN1_OCTET_STRING* key = nullptr;
    const X509_NAME* name = nullptr;
    OCSP_resp_get0_id(basic.get(), &key, &name);
  }
  return info.Env().Undefined();
}

// (der, iterations)
Napi::Value openssl_parse_request(const Napi::CallbackInfo& info) {
  const Octets in = octets_of(info[0]);
  const std::uint32_t iterations = info[1].As<Napi::Number>().Uint32Value();
  for (std::uint32_t i = 0; i < iterations; ++i) {
    const unsigned char* data = in.data;
    const Request request(d2i_OCSP_REQUEST(nullptr, &data, in.size));
    OCSP_CERTID* id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), 0));
    ASN1_OCTET_STRING *name = nullptr, *key = nullptr;
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(&name, nullptr, &key, &serial, id);
  }
  return info.Env().Undefined();
}

// (certificate, issuer, iterations)
Napi::Value openssl_build_request(const Napi::CallbackInfo& info) {
  const Certificate certificate = certificate_of(info[0]);
  const Certificate issuer = certificate_of(info[1]);
  const std::uint32_t iterations = info[2].As<Napi::Number>().Uint32Value();
  for (std::uint32_t i = 0; i < iterations; ++i) {
    const Request request(OCSP_REQUEST_new());
    OCSP_request_add0_id(request.get(), OCSP_cert_to_id(EVP_sha1(), certificate.get(), issuer.get()));
    unsigned char* der = nullptr;
    i2d_OCSP_REQUEST(request.get(), &der);
    OPENSSL_free(der);
  }
  return info.Env().Undefined();
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("rawSign", Napi::Function::New(env, raw_sign));
  exports.Set("opensslSign", Napi::Function::New(env, openssl_sign));
  exports.Set("opensslParse", Napi::Function::New(env, openssl_parse));
  exports.Set("opensslParseRequest", Napi::Function::New(env, openssl_parse_request));
  exports.Set("opensslBuildRequest", Napi::Function::New(env, openssl_build_request));
  return exports;
}

NODE_API_MODULE(baseline, init)

}  // namespace
