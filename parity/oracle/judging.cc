// What OpenSSL thinks of a message: signatures, signers, nonces, times, and which entry is about which certificate.
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <ctime>

#include "support.h"

namespace oracle {

namespace {

// Reasons that OCSP's part of OpenSSL left in the error queue.
std::string reasons() {
  std::vector<std::string> found;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_GET_LIB(code) == ERR_LIB_OCSP ? ERR_reason_error_string(code) : nullptr;
    if (reason != nullptr) found.push_back(quoted(reason));
  }
  return list(found);
}

// Null for '-': OpenSSL takes that, too.
StorePtr store(std::string_view trusted, std::string_view at, std::string_view path_flags) {
  if (trusted == "-") return nullptr;
  StorePtr store(X509_STORE_new());
  for (const auto item : split(trusted, ',')) X509_STORE_add_cert(store.get(), certificate(item).get());
  X509_VERIFY_PARAM* param = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_time(param, number(at));
  X509_VERIFY_PARAM_set_flags(param, static_cast<unsigned long>(number(path_flags)));
  return store;
}

// (message, certificates, trusted, OCSP_* flags, time, X509_V_FLAG_* flags)
template <auto Parse, auto Verify>
std::string verify(const Arguments& arguments) {
  const auto message = Parse(arguments.at(0));
  if (!message) return "null";
  const StackPtr others = certificates(arguments.at(1));
  const StorePtr trust = store(arguments.at(2), arguments.at(4), arguments.at(5));
  const auto flags = static_cast<unsigned long>(number(arguments.at(3)));
  ERR_clear_error();
  const int verdict = Verify(message.get(), others.get(), trust.get(), flags);
  return object({{"verdict", std::to_string(verdict)}, {"reasons", reasons()}});
}

// (response, certificates)
std::string signer(const Arguments& arguments) {
  const BasicPtr response = parse_basic(arguments.at(0));
  if (!response) return "null";
  const StackPtr others = certificates(arguments.at(1));
  X509* found = nullptr;  // borrowed
  if (OCSP_resp_get0_signer(response.get(), &found, others.get()) != 1) return "null";
  return quoted(encoded(found, i2d_X509));
}

// (request, response)
std::string nonce(const Arguments& arguments) {
  const RequestPtr request = parse_request(arguments.at(0));
  const BasicPtr response = parse_basic(arguments.at(1));
  return request && response ? std::to_string(OCSP_check_nonce(request.get(), response.get())) : "null";
}

// (request, response): for each entry of the request, where the response has the status that OCSP_resp_find_status
// tells.
std::string find(const Arguments& arguments) {
  const RequestPtr request = parse_request(arguments.at(0));
  const BasicPtr response = parse_basic(arguments.at(1));
  if (!request || !response) return "null";
  std::vector<std::string> found;
  for (int i = 0; i < OCSP_request_onereq_count(request.get()); ++i) {
    OCSP_CERTID* id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), i));
    int status = -1;
    const int told =
        OCSP_resp_find_status(response.get(), id, &status, nullptr, nullptr, nullptr, nullptr) == 1 ? status : -1;
    found.push_back(list({std::to_string(OCSP_resp_find(response.get(), id, -1)), std::to_string(told)}));
  }
  return list(found);
}

// (request): for each pair of its entries, whether the CertIDs and their issuers are the same.
std::string compare(const Arguments& arguments) {
  const RequestPtr request = parse_request(arguments.at(0));
  if (!request) return "null";
  std::vector<std::string> results;
  const int count = OCSP_request_onereq_count(request.get());
  for (int i = 0; i < count * count; ++i) {
    const auto* one = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), i / count));
    const auto* other = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), i % count));
    results.push_back(list(
        {OCSP_id_cmp(one, other) == 0 ? "true" : "false", OCSP_id_issuer_cmp(one, other) == 0 ? "true" : "false"}));
  }
  return list(results);
}

// (thisUpdate, nextUpdate or '-', tolerance, greatest age or -1): times in seconds from now.
std::string validity(const Arguments& arguments) {
  const auto from_now = [](std::string_view seconds) {
    return TimePtr(seconds == "-" ? nullptr : ASN1_TIME_adj(nullptr, std::time(nullptr), 0, number(seconds)));
  };
  const auto as_generalized = [](const TimePtr& time) {
    return TimePtr(time ? ASN1_TIME_to_generalizedtime(time.get(), nullptr) : nullptr);
  };
  const TimePtr this_update = as_generalized(from_now(arguments.at(0)));
  const TimePtr next_update = as_generalized(from_now(arguments.at(1)));
  return std::to_string(
      OCSP_check_validity(this_update.get(), next_update.get(), number(arguments.at(2)), number(arguments.at(3))));
}

}  // namespace

void add_judging(Questions& questions) {
  questions["verify-response"] = verify<parse_basic, OCSP_basic_verify>;
  questions["verify-request"] = verify<parse_request, OCSP_request_verify>;
  questions["signer"] = signer;
  questions["nonce"] = nonce;
  questions["find"] = find;
  questions["compare"] = compare;
  questions["validity"] = validity;
}

}  // namespace oracle
