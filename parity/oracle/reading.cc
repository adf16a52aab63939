// What OpenSSL reads in a message: every getter of requests, responses and their entries.
#include <openssl/asn1.h>
#include <openssl/objects.h>

#include "support.h"

namespace oracle {

namespace {

std::string oid(const ASN1_OBJECT* object) {
  char text[4096];
  if (object == nullptr || OBJ_obj2txt(text, sizeof text, object, 1) <= 0) return "null";
  return quoted(text);
}

std::string octets(const ASN1_STRING* string) {
  if (string == nullptr) return "null";
  return quoted(hex({ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))}));
}

std::string integer(const ASN1_INTEGER* value) {
  const BnPtr number(ASN1_INTEGER_to_BN(value, nullptr));
  char* text = number ? BN_bn2dec(number.get()) : nullptr;
  std::string result = text == nullptr ? "null" : quoted(text);
  OPENSSL_free(text);
  return result;
}

// (Not all of OpenSSL's functions take const.)
std::string cert_id(const OCSP_CERTID* id) {
  ASN1_OCTET_STRING* name = nullptr;
  ASN1_OBJECT* hash = nullptr;
  ASN1_OCTET_STRING* key = nullptr;
  ASN1_INTEGER* serial = nullptr;
  OCSP_id_get0_info(&name, &hash, &key, &serial, const_cast<OCSP_CERTID*>(id));
  return list({oid(hash), octets(name), octets(key), integer(serial)});
}

template <auto Count, auto Get, typename T>
std::string extensions(T* owner) {
  std::vector<std::string> values;
  for (int i = 0; i < Count(owner); ++i) {
    auto* extension = const_cast<X509_EXTENSION*>(Get(owner, i));
    values.push_back(
        list({oid(X509_EXTENSION_get_object(extension)), X509_EXTENSION_get_critical(extension) != 0 ? "true" : "false",
              octets(X509_EXTENSION_get_data(extension))}));
  }
  return list(values);
}

std::string request(const Arguments& arguments) {
  const RequestPtr request = parse_request(arguments.at(0));
  if (!request) return "null";
  std::vector<std::string> entries;
  for (int i = 0; i < OCSP_request_onereq_count(request.get()); ++i) {
    OCSP_ONEREQ* entry = OCSP_request_onereq_get0(request.get(), i);
    entries.push_back(object({
        {"certId", cert_id(OCSP_onereq_get0_id(entry))},
        {"extensions", extensions<OCSP_ONEREQ_get_ext_count, OCSP_ONEREQ_get_ext>(entry)},
    }));
  }
  return object({
      {"der", quoted(encoded(request.get(), i2d_OCSP_REQUEST))},
      {"signed", OCSP_request_is_signed(request.get()) == 1 ? "true" : "false"},
      {"entries", list(entries)},
      {"extensions", extensions<OCSP_REQUEST_get_ext_count, OCSP_REQUEST_get_ext>(request.get())},
  });
}

std::string single(OCSP_SINGLERESP* entry) {
  int reason = -1;
  ASN1_GENERALIZEDTIME* revoked = nullptr;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  const int status = OCSP_single_get0_status(entry, &reason, &revoked, &this_update, &next_update);
  const bool is_revoked = status == V_OCSP_CERTSTATUS_REVOKED;
  return object({
      {"certId", cert_id(OCSP_SINGLERESP_get0_id(entry))},
      {"status", std::to_string(status)},
      {"reason", std::to_string(is_revoked ? reason : -1)},
      {"revocationTime", octets(is_revoked ? revoked : nullptr)},
      {"thisUpdate", octets(this_update)},
      {"nextUpdate", octets(next_update)},
      {"extensions", extensions<OCSP_SINGLERESP_get_ext_count, OCSP_SINGLERESP_get_ext>(entry)},
  });
}

std::string basic(OCSP_BASICRESP* response) {
  const ASN1_OCTET_STRING* key = nullptr;
  const X509_NAME* name = nullptr;
  OCSP_resp_get0_id(response, &key, &name);
  const ASN1_OBJECT* algorithm = nullptr;
  X509_ALGOR_get0(&algorithm, nullptr, nullptr, OCSP_resp_get0_tbs_sigalg(response));
  std::vector<std::string> entries;
  for (int i = 0; i < OCSP_resp_count(response); ++i) entries.push_back(single(OCSP_resp_get0(response, i)));
  std::vector<std::string> certs;
  const STACK_OF(X509)* given = OCSP_resp_get0_certs(response);
  for (int i = 0; i < sk_X509_num(given); ++i) certs.push_back(quoted(encoded(sk_X509_value(given, i), i2d_X509)));
  return object({
      {"responderKeyHash", octets(key)},
      {"responderName", name == nullptr ? "null" : quoted(encoded(name, i2d_X509_NAME))},
      {"producedAt", octets(OCSP_resp_get0_produced_at(response))},
      {"responses", list(entries)},
      {"extensions", extensions<OCSP_BASICRESP_get_ext_count, OCSP_BASICRESP_get_ext>(response)},
      {"responseData", quoted(encoded(OCSP_resp_get0_respdata(response), i2d_OCSP_RESPDATA))},
      {"algorithm", oid(algorithm)},
      {"signature", octets(OCSP_resp_get0_signature(response))},
      {"certificates", list(certs)},
  });
}

std::string response(const Arguments& arguments) {
  ResponsePtr response = parse_response(arguments.at(0));
  if (!response) return "null";
  const int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return object({{"status", std::to_string(status)}, {"der", quoted(encoded(response.get(), i2d_OCSP_RESPONSE))}});
  }
  const BasicPtr content(OCSP_response_get1_basic(response.get()));
  if (!content) return "null";
  // What get1_basic read is in an OCTET STRING: only a new envelope shows how it is written.
  response.reset(OCSP_response_create(status, content.get()));
  return object({{"status", std::to_string(status)},
                 {"der", quoted(encoded(response.get(), i2d_OCSP_RESPONSE))},
                 {"basic", basic(content.get())}});
}

template <auto Parse, auto Print>
std::string text(const Arguments& arguments) {
  const auto message = Parse(arguments.at(0));
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!message || Print(out.get(), message.get(), 0) != 1) return "null";
  char* data = nullptr;
  const long length = BIO_get_mem_data(out.get(), &data);
  return quoted(hex({reinterpret_cast<unsigned char*>(data), static_cast<std::size_t>(length)}));
}

// (number): OpenSSL's words for a response status, a certificate status and a reason.
std::string names(const Arguments& arguments) {
  const long value = number(arguments.at(0));
  return list({quoted(OCSP_response_status_str(value)), quoted(OCSP_cert_status_str(value)),
               quoted(OCSP_crl_reason_str(value))});
}

}  // namespace

void add_reading(Questions& questions) {
  questions["request"] = request;
  questions["response"] = response;
  questions["request-text"] = text<parse_request, OCSP_REQUEST_print>;
  questions["response-text"] = text<parse_response, OCSP_RESPONSE_print>;
  questions["names"] = names;
}

}  // namespace oracle
