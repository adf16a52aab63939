#include "oracle.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>

#include <vector>

#include "core/lenient.h"
#include "core/message_writer.h"
#include "core/openssl_ptr.h"
#include "core/response_parser.h"
#include "fixtures.h"

namespace oracle {

using namespace ocsp;
using fixtures::encoded;

namespace {

// Collects differences; the names that are compared are those of RFC 6960.
struct Verdict {
  Bytes message;
  std::string text;

  bool require(bool holds, const char* what) {
    if (!holds) text.append(text.empty() ? "" : "; ").append(what);
    return holds;
  }
  ByteVector part(Range range) const {
    if (range.start < 0) return {};
    const Bytes bytes = message.subspan(static_cast<std::size_t>(range.start),
                                        static_cast<std::size_t>(range.end) - static_cast<std::size_t>(range.start));
    return {bytes.begin(), bytes.end()};
  }
  void same(Range range, const ByteVector& theirs, const char* what) { require(part(range) == theirs, what); }
};

ByteVector content(const ASN1_STRING* string) {
  if (string == nullptr) return {};
  const unsigned char* data = ASN1_STRING_get0_data(string);
  return {data, data + ASN1_STRING_length(string)};
}

ByteVector integer_content(const ASN1_INTEGER* integer) {
  const ByteVector element = encoded(integer, i2d_ASN1_INTEGER);
  if (element.size() < 2) return {};
  const std::size_t header = element[1] < 0x80 ? 2 : 2 + (element[1] & 0x7fU);
  return {element.begin() + static_cast<std::ptrdiff_t>(header), element.end()};
}

void compare_cert_id(Verdict& verdict, const CertIdLayout& layout, const OCSP_CERTID* certificate_id) {
  auto* id = const_cast<OCSP_CERTID*>(certificate_id);  // OpenSSL's getter takes no const
  ASN1_OCTET_STRING *name_hash = nullptr, *key_hash = nullptr;
  ASN1_INTEGER* serial = nullptr;
  ASN1_OBJECT* hash = nullptr;
  OCSP_id_get0_info(&name_hash, &hash, &key_hash, &serial, id);
  const unsigned char* oid = OBJ_get0_data(hash);
  const ByteVector oid_bytes(oid, oid + OBJ_length(hash));
  verdict.same(layout.hash_algorithm, oid_bytes, "hashAlgorithm");
  verdict.require(layout.hash == cert_id_hash_index(oid_bytes), "index of hashAlgorithm");
  verdict.same(layout.issuer_name_hash, content(name_hash), "issuerNameHash");
  verdict.same(layout.issuer_key_hash, content(key_hash), "issuerKeyHash");
  verdict.same(layout.serial, integer_content(serial), "serialNumber");
}

template <typename T, typename Count, typename Get>
void compare_extensions(Verdict& verdict, Range range, T* owner, Count count, Get get, const char* what) {
  ByteVector all;
  for (int i = 0; i < count(owner); ++i) {
    const ByteVector one = encoded(get(owner, i), i2d_X509_EXTENSION);
    all.insert(all.end(), one.begin(), one.end());
  }
  verdict.same(range, all, what);
}

Bytes inside(Bytes message, Range range) {
  return message.subspan(static_cast<std::size_t>(range.start), static_cast<std::size_t>(range.end - range.start));
}

void compare_request(Verdict& verdict, const RequestLayout& layout, OCSP_REQUEST* request, bool lenient) {
  verdict.require(OCSP_request_onereq_count(request) == layout.entry_count, "number of requests");
  verdict.require((OCSP_request_is_signed(request) != 0) == (layout.signature.start >= 0), "optionalSignature");
  compare_extensions(verdict, layout.extensions, request, OCSP_REQUEST_get_ext_count, OCSP_REQUEST_get_ext,
                     "requestExtensions");
  DerContext context{verdict.message.data(), lenient, {}};
  std::vector<RequestEntryLayout> entries;
  verdict.require(parse_request_entries(context, inside(verdict.message, layout.entries), entries),
                  "entries are read again");
  if (!verdict.require(static_cast<std::int32_t>(entries.size()) == layout.entry_count, "entries read again")) return;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    OCSP_ONEREQ* one = OCSP_request_onereq_get0(request, static_cast<int>(i));
    if (!verdict.require(one != nullptr, "missing entry")) return;
    compare_cert_id(verdict, entries[i].cert_id, OCSP_onereq_get0_id(one));
    compare_extensions(verdict, entries[i].extensions, one, OCSP_ONEREQ_get_ext_count, OCSP_ONEREQ_get_ext,
                       "singleRequestExtensions");
    verdict.same(entries[i].element, encoded(one, i2d_OCSP_ONEREQ), "Request");
  }
}

void compare_single(Verdict& verdict, const SingleResponseLayout& layout, OCSP_SINGLERESP* single) {
  compare_cert_id(verdict, layout.cert_id, OCSP_SINGLERESP_get0_id(single));
  int reason = -1;
  ASN1_GENERALIZEDTIME *revoked = nullptr, *this_update = nullptr, *next_update = nullptr;
  const int status = OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);
  verdict.require(status == layout.cert_status, "certStatus");
  verdict.same(layout.this_update, content(this_update), "thisUpdate");
  verdict.require((next_update != nullptr) == (layout.next_update.start >= 0), "presence of nextUpdate");
  verdict.same(layout.next_update, content(next_update), "nextUpdate");
  if (layout.cert_status == 1) {
    verdict.same(layout.revocation_time, content(revoked), "revocationTime");
    // -2 stands for all that is no reason; OpenSSL cuts such numbers to an int.
    verdict.require(layout.revocation_reason == -2 || reason == layout.revocation_reason, "revocationReason");
  }
  compare_extensions(verdict, layout.extensions, single, OCSP_SINGLERESP_get_ext_count, OCSP_SINGLERESP_get_ext,
                     "singleExtensions");
  verdict.same(layout.element, encoded(single, i2d_OCSP_SINGLERESP), "SingleResponse");
}

void compare_certificates(Verdict& verdict, Range certificates, OCSP_BASICRESP* basic, bool lenient) {
  const STACK_OF(X509)* theirs = OCSP_resp_get0_certs(basic);
  const int count = theirs == nullptr ? 0 : sk_X509_num(theirs);
  std::vector<Range> ranges;
  DerContext context{verdict.message.data(), lenient, {}};
  if (certificates.start >= 0) {
    verdict.require(parse_certificates(context, inside(verdict.message, certificates), ranges),
                    "certificates are read again");
  }
  if (!verdict.require(static_cast<int>(ranges.size()) == count, "number of certs")) return;
  for (int i = 0; i < count; ++i) {
    verdict.same(ranges[static_cast<std::size_t>(i)], encoded(sk_X509_value(theirs, i), i2d_X509), "certificate");
  }
}

void compare_basic(Verdict& verdict, const ResponseLayout& layout, OCSP_BASICRESP* basic, bool lenient) {
  verdict.same(layout.tbs, encoded(OCSP_resp_get0_respdata(basic), i2d_OCSP_RESPDATA), "tbsResponseData");
  verdict.same(layout.signature_algorithm, encoded(OCSP_resp_get0_tbs_sigalg(basic), i2d_X509_ALGOR),
               "signatureAlgorithm");
  verdict.same(layout.signature, content(OCSP_resp_get0_signature(basic)), "signature");
  verdict.same(layout.produced_at, content(OCSP_resp_get0_produced_at(basic)), "producedAt");
  const ASN1_OCTET_STRING* key = nullptr;
  const X509_NAME* name = nullptr;
  OCSP_resp_get0_id(basic, &key, &name);
  verdict.require(layout.responder_id_tag == (key != nullptr ? 2 : 1), "kind of responderID");
  verdict.same(layout.responder_id, key != nullptr ? content(key) : encoded(name, i2d_X509_NAME), "responderID");
  compare_extensions(verdict, layout.extensions, basic, OCSP_BASICRESP_get_ext_count, OCSP_BASICRESP_get_ext,
                     "responseExtensions");
  compare_certificates(verdict, layout.certificates, basic, lenient);

  verdict.require(OCSP_resp_count(basic) == layout.response_count, "number of responses");
  DerContext context{verdict.message.data(), lenient, {}};
  std::vector<SingleResponseLayout> singles;
  verdict.require(parse_single_responses(context, inside(verdict.message, layout.responses), singles),
                  "responses are read again");
  if (!verdict.require(static_cast<int>(singles.size()) == OCSP_resp_count(basic), "responses read again")) return;
  for (std::size_t i = 0; i < singles.size(); ++i) {
    compare_single(verdict, singles[i], OCSP_resp_get0(basic, static_cast<int>(i)));
  }
}

template <typename Layout>
bool judged_read(Verdict& verdict, bool (*parse)(DerContext&, Bytes, Layout&), bool lenient, Layout& layout,
                 std::string& fault) {
  DerContext context{verdict.message.data(), lenient, {}};
  if (parse(context, verdict.message, layout)) return true;
  const auto& [field, reason, offset] = context.fault;
  verdict.require(field != nullptr && reason != nullptr, "a refusal without a reason");
  verdict.require(offset <= verdict.message.size(), "a refusal outside the message");
  if (field != nullptr && reason != nullptr) fault = std::string(field) + ": " + reason;
  return false;
}

// Empties the error queue; the text holds OpenSSL's path to the field where decoding failed.
std::string take_errors() {
  std::string text;
  const char* data = nullptr;
  int flags = 0;
  while (ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags) != 0) {
    if ((flags & ERR_TXT_STRING) != 0) text.append("[").append(data).append("]");
  }
  return text;
}

// What is accepted strictly, OpenSSL may refuse only where it decodes further than this library (and than the package
// whose verdicts strictness follows): values of open types, the characters of names, and the inside of what is framed.
bool decodes_deeper(const std::string& path) {
  for (const char* field : {"Field=parameter, Type=X509_ALGOR", "Field=optionalSignature", "Field=requestorName",
                            "Field=value.byName", "Field=certs"}) {
    if (path.find(field) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::string judge_request(Bytes message) {
  Verdict verdict{message, {}};
  RequestLayout strict;
  std::string fault;
  const bool strictly = judged_read(verdict, parse_request, false, strict, fault);

  const unsigned char* in = message.data();
  const OcspRequestPtr request(d2i_OCSP_REQUEST(nullptr, &in, static_cast<long>(message.size())));
  const std::string refusal = take_errors();
  if (strictly) {
    if (request == nullptr) {
      verdict.require(decodes_deeper(refusal), ("strictly accepted, refused by OpenSSL: " + refusal).c_str());
    } else {
      verdict.require(in == message.data() + message.size(), "strictly accepted with bytes left over");
      const ByteVector again = encoded(request.get(), i2d_OCSP_REQUEST);
      // What is only framed may be BER inside.
      verdict.require(again == ByteVector(message.begin(), message.end()) || strict.signature.start >= 0,
                      "strictly accepted, encoded differently");
      compare_request(verdict, strict, request.get(), false);
    }
  }

  const auto normalized = normalize_request(message);
  verdict.require(ERR_peek_error() == 0, "the error queue is not empty");
  verdict.require(normalized.ok() == (request != nullptr), "lenient acceptance is not that of OpenSSL");
  if (normalized.ok()) {
    Verdict lenient{normalized.value(), {}};
    RequestLayout layout;
    if (!judged_read(lenient, parse_request, true, layout, fault)) {
      lenient.require(false, ("accepted by OpenSSL, refused leniently: " + fault).c_str());
    } else {
      compare_request(lenient, layout, request.get(), true);
    }
    if (!lenient.text.empty()) verdict.require(false, ("lenient: " + lenient.text).c_str());
  } else {
    verdict.require(!normalized.error().message.empty(), "a refusal without a message");
  }
  ERR_clear_error();
  return verdict.text;
}

std::string judge_response(Bytes message) {
  Verdict verdict{message, {}};
  ResponseLayout strict;
  std::string fault;
  const bool strictly = judged_read(verdict, parse_response, false, strict, fault);

  const unsigned char* in = message.data();
  const OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &in, static_cast<long>(message.size())));
  const bool successful = response && OCSP_response_status(response.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
  const OcspBasicRespPtr basic(response ? OCSP_response_get1_basic(response.get()) : nullptr);
  const bool accepted = response && (!successful || basic);
  const std::string refusal = take_errors();
  if (strictly) {
    verdict.require(response != nullptr, "strictly accepted, refused by OpenSSL");
    if (response) {
      verdict.require(OCSP_response_status(response.get()) == strict.status, "responseStatus");
      verdict.require(in == message.data() + message.size(), "strictly accepted with bytes left over");
      const ByteVector again = encoded(response.get(), i2d_OCSP_RESPONSE);
      verdict.require(again == ByteVector(message.begin(), message.end()), "strictly accepted, encoded differently");
    }
    const bool has_basic = strict.responder_id_tag != 0;
    verdict.require(!has_basic || basic || decodes_deeper(refusal),
                    ("BasicOCSPResponse strictly accepted, refused by OpenSSL: " + refusal).c_str());
    if (has_basic && basic) compare_basic(verdict, strict, basic.get(), false);
  }

  const auto normalized = normalize_response(message);
  verdict.require(ERR_peek_error() == 0, "the error queue is not empty");
  verdict.require(normalized.ok() == accepted, "lenient acceptance is not that of OpenSSL");
  if (normalized.ok()) {
    Verdict lenient{normalized.value(), {}};
    ResponseLayout layout;
    if (strictly && successful) {
      lenient.require(normalized.value() == ByteVector(message.begin(), message.end()), "normal form of DER differs");
    }
    if (!judged_read(lenient, parse_response, true, layout, fault)) {
      lenient.require(false, ("accepted by OpenSSL, refused leniently: " + fault).c_str());
    } else if (successful) {
      lenient.require(layout.status == 0, "responseStatus");
      compare_basic(lenient, layout, basic.get(), true);
    } else {
      lenient.require(layout.status == -2 || layout.status == OCSP_response_status(response.get()), "responseStatus");
    }
    if (!lenient.text.empty()) verdict.require(false, ("lenient: " + lenient.text).c_str());
  } else {
    verdict.require(!normalized.error().message.empty(), "a refusal without a message");
  }
  ERR_clear_error();
  return verdict.text;
}

}  // namespace oracle
