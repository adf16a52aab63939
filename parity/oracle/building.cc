// Messages and extensions that OpenSSL builds.
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "support.h"

namespace oracle {

namespace {

// "hash:subject:issuer"; the hash and certificates as OCSP_cert_to_id takes them.
CertIdPtr cert_id(std::span<const std::string_view> fields) {
  const X509Ptr subject = certificate(fields[1]);
  const X509Ptr issuer = certificate(fields[2]);
  return CertIdPtr(OCSP_cert_to_id(digest(fields[0]), subject.get(), issuer.get()));
}

template <auto Add, typename T>
void add_extensions(T* owner, std::string_view comma_separated) {
  for (const auto item : split(comma_separated, ',')) Add(owner, extension(item).get(), -1);
}

// (hash, subject, issuer)
std::string cert_id_of(const Arguments& arguments) {
  return quoted(encoded(cert_id(arguments).get(), i2d_OCSP_CERTID));
}

// (hash, issuer, serial in decimal): by name, key and number.
std::string cert_id_by_number(const Arguments& arguments) {
  const X509Ptr issuer = certificate(arguments.at(1));
  BIGNUM* number = nullptr;
  BN_dec2bn(&number, std::string(arguments.at(2)).c_str());
  const BnPtr owned(number);
  ASN1_INTEGER* serial = BN_to_ASN1_INTEGER(number, nullptr);
  const CertIdPtr id(OCSP_cert_id_new(digest(arguments.at(0)), X509_get_subject_name(issuer.get()),
                                      X509_get0_pubkey_bitstr(issuer.get()), serial));
  ASN1_INTEGER_free(serial);
  return quoted(encoded(id.get(), i2d_OCSP_CERTID));
}

// (entries "hash:subject:issuer:extensions;...", extensions, requestorName certificate, signer, key, hash,
// certificates, OCSP_* flags)
std::string make_request(const Arguments& arguments) {
  const RequestPtr request(OCSP_REQUEST_new());
  for (const auto entry : split(arguments.at(0), ';')) {
    const auto fields = split(entry, ':');
    OCSP_ONEREQ* added = OCSP_request_add0_id(request.get(), cert_id(fields).release());
    add_extensions<OCSP_ONEREQ_add_ext>(added, fields.at(3));
  }
  add_extensions<OCSP_REQUEST_add_ext>(request.get(), arguments.at(1));
  if (arguments.at(2) != "-")
    OCSP_request_set1_name(request.get(), X509_get_subject_name(certificate(arguments.at(2)).get()));
  if (arguments.at(3) != "-") {
    const X509Ptr signer = certificate(arguments.at(3));
    const PkeyPtr key = private_key(arguments.at(4));
    const StackPtr others = certificates(arguments.at(6));
    if (OCSP_request_sign(request.get(), signer.get(), key.get(), digest(arguments.at(5)), others.get(),
                          static_cast<unsigned long>(number(arguments.at(7)))) != 1) {
      return "null";
    }
  }
  return quoted(encoded(request.get(), i2d_OCSP_REQUEST));
}

bool add_status(OCSP_BASICRESP* response, std::string_view entry) {
  const auto fields = split(entry, ':');
  const TimePtr revoked = time_at(fields.at(5));
  const TimePtr this_update = time_at(fields.at(6));
  const TimePtr next_update = time_at(fields.at(7));
  OCSP_SINGLERESP* added = OCSP_basic_add1_status(
      response, cert_id(fields).get(), static_cast<int>(number(fields.at(3))), static_cast<int>(number(fields.at(4))),
      revoked.get(), this_update.get(), next_update.get());
  if (added == nullptr) return false;
  add_extensions<OCSP_SINGLERESP_add_ext>(added, fields.at(8));
  return true;
}

// (entries "hash:subject:issuer:status:reason:revocationTime:thisUpdate:nextUpdate:extensions;...", extensions,
// producedAt, signer, key, hash, 'pss' or '-', certificates, OCSP_* flags)
std::string make_response(const Arguments& arguments) {
  const BasicPtr basic(OCSP_BASICRESP_new());
  for (const auto entry : split(arguments.at(0), ';'))
    if (!add_status(basic.get(), entry)) return "null";
  add_extensions<OCSP_BASICRESP_add_ext>(basic.get(), arguments.at(1));
  // OCSP_basic_sign knows no time but now, or none at all: OCSP_NOTIME leaves what it finds.
  ASN1_GENERALIZEDTIME_set(const_cast<ASN1_GENERALIZEDTIME*>(OCSP_resp_get0_produced_at(basic.get())),
                           number(arguments.at(2)));
  const X509Ptr signer = certificate(arguments.at(3));
  const PkeyPtr key = private_key(arguments.at(4));
  const StackPtr others = certificates(arguments.at(7));
  const unsigned long flags = static_cast<unsigned long>(number(arguments.at(8))) | OCSP_NOTIME;
  int signed_well = 0;
  if (arguments.at(6) == "-") {
    signed_well = OCSP_basic_sign(basic.get(), signer.get(), key.get(), digest(arguments.at(5)), others.get(), flags);
  } else {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* parameters = nullptr;  // borrowed
    if (EVP_DigestSignInit(context, &parameters, digest(arguments.at(5)), nullptr, key.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1) {
      signed_well = OCSP_basic_sign_ctx(basic.get(), signer.get(), context, others.get(), flags);
    }
    EVP_MD_CTX_free(context);
  }
  if (signed_well != 1) return "null";
  const ResponsePtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  return quoted(encoded(response.get(), i2d_OCSP_RESPONSE));
}

// (status)
std::string make_unsuccessful(const Arguments& arguments) {
  const ResponsePtr response(OCSP_response_create(static_cast<int>(number(arguments.at(0))), nullptr));
  return quoted(encoded(response.get(), i2d_OCSP_RESPONSE));
}

std::string made(X509_EXTENSION* extension) {
  const ExtensionPtr owned(extension);
  return quoted(encoded(extension, i2d_X509_EXTENSION));
}

std::string text_of(std::string_view hex) {
  const Bytes bytes = unhex(hex);
  return {bytes.begin(), bytes.end()};
}

// (URL in hex, number, GeneralizedTime; '-' where absent)
std::string make_crl_id(const Arguments& arguments) {
  std::string url = text_of(arguments.at(0));
  std::string time(arguments.at(2));
  long count = arguments.at(1) == "-" ? 0 : number(arguments.at(1));
  return made(OCSP_crlID_new(arguments.at(0) == "-" ? nullptr : url.data(), arguments.at(1) == "-" ? nullptr : &count,
                             arguments.at(2) == "-" ? nullptr : time.data()));
}

// (OIDs)
std::string make_acceptable(const Arguments& arguments) {
  std::vector<std::string> oids;
  for (const auto oid : split(arguments.at(0), ',')) oids.emplace_back(oid);
  std::vector<char*> pointers;
  for (auto& oid : oids) pointers.push_back(oid.data());
  pointers.push_back(nullptr);
  return made(OCSP_accept_responses_new(pointers.data()));
}

// (GeneralizedTime)
std::string make_cutoff(const Arguments& arguments) {
  std::string time(arguments.at(0));
  return made(OCSP_archive_cutoff_new(time.data()));
}

// (certificate of the issuer, URLs in hex)
std::string make_locator(const Arguments& arguments) {
  const X509Ptr issuer = certificate(arguments.at(0));
  std::vector<std::string> urls;
  for (const auto url : split(arguments.at(1), ',')) urls.push_back(text_of(url));
  std::vector<const char*> pointers;
  for (const auto& url : urls) pointers.push_back(url.c_str());
  pointers.push_back(nullptr);
  return made(OCSP_url_svcloc_new(X509_get_subject_name(issuer.get()), pointers.data()));
}

template <auto Find, auto Get, typename T>
std::string nonce_of(T* owner) {
  return quoted(encoded(Get(owner, Find(owner, NID_id_pkix_OCSP_Nonce, -1)), i2d_X509_EXTENSION));
}

// (nonce): in a request, in a response, and copied from the request into a response.
std::string make_nonces(const Arguments& arguments) {
  Bytes nonce = unhex(arguments.at(0));
  const int length = static_cast<int>(nonce.size());
  const RequestPtr request(OCSP_REQUEST_new());
  const BasicPtr response(OCSP_BASICRESP_new());
  const BasicPtr copy(OCSP_BASICRESP_new());
  if (OCSP_request_add1_nonce(request.get(), nonce.data(), length) != 1 ||
      OCSP_basic_add1_nonce(response.get(), nonce.data(), length) != 1 ||
      OCSP_copy_nonce(copy.get(), request.get()) != 1) {
    return "null";
  }
  return list({nonce_of<OCSP_REQUEST_get_ext_by_NID, OCSP_REQUEST_get_ext>(request.get()),
               nonce_of<OCSP_BASICRESP_get_ext_by_NID, OCSP_BASICRESP_get_ext>(response.get()),
               nonce_of<OCSP_BASICRESP_get_ext_by_NID, OCSP_BASICRESP_get_ext>(copy.get())});
}

// (certificate, another): the responder's id by name and by key, and whether the other matches each.
std::string make_responder_ids(const Arguments& arguments) {
  const X509Ptr responder = certificate(arguments.at(0));
  const X509Ptr other = certificate(arguments.at(1));
  const std::unique_ptr<OCSP_RESPID, Deleter<OCSP_RESPID_free>> by_name(OCSP_RESPID_new());
  const std::unique_ptr<OCSP_RESPID, Deleter<OCSP_RESPID_free>> by_key(OCSP_RESPID_new());
  if (OCSP_RESPID_set_by_name(by_name.get(), responder.get()) != 1 ||
      OCSP_RESPID_set_by_key(by_key.get(), responder.get()) != 1) {
    return "null";
  }
  const auto matches = [&](OCSP_RESPID* id) { return OCSP_RESPID_match(id, other.get()) == 1 ? "true" : "false"; };
  return list({quoted(encoded(by_name.get(), i2d_OCSP_RESPID)), quoted(encoded(by_key.get(), i2d_OCSP_RESPID)),
               matches(by_name.get()), matches(by_key.get())});
}

}  // namespace

void add_building(Questions& questions) {
  questions["cert-id"] = cert_id_of;
  questions["cert-id-by-number"] = cert_id_by_number;
  questions["make-request"] = make_request;
  questions["make-response"] = make_response;
  questions["make-unsuccessful"] = make_unsuccessful;
  questions["crl-id"] = make_crl_id;
  questions["acceptable"] = make_acceptable;
  questions["archive-cutoff"] = make_cutoff;
  questions["service-locator"] = make_locator;
  questions["nonces"] = make_nonces;
  questions["responder-ids"] = make_responder_ids;
}

}  // namespace oracle
