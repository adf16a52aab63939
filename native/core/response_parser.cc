#include "response_parser.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "x509_grammar.h"

namespace ocsp {

namespace {

constexpr std::array<std::uint8_t, 9> kIdPkixOcspBasic = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};

bool read_time_range(DerReader& in, Range& range, const char* field) {
  Bytes text;
  if (!read_generalized_time(in, text, field)) return false;
  range = range_of(in.context(), text);
  return true;
}

bool read_cert_status(DerReader& in, SingleResponseLayout& layout) {
  constexpr const char* kField = "tbsResponseData.responses.certStatus";
  Bytes content;
  switch (in.peek()) {
    case tag::context(0):
    case tag::context(2):
      layout.cert_status = in.peek() & 0x1f;
      return in.read(in.peek(), content, kField) && (content.empty() || in.fail(kField, "invalid NULL"));
    case tag::explicit_context(1): {  // constructed, but IMPLICIT: RevokedInfo itself
      layout.cert_status = 1;
      DerReader revoked;
      if (!in.enter(tag::explicit_context(1), revoked, kField) ||
          !read_time_range(revoked, layout.revocation_time, "tbsResponseData.responses.certStatus.revocationTime")) {
        return false;
      }
      if (revoked.peek() == tag::explicit_context(0)) {
        constexpr const char* kReason = "tbsResponseData.responses.certStatus.revocationReason";
        DerReader wrapped;
        if (!revoked.enter(tag::explicit_context(0), wrapped, kReason) ||
            !read_enumerated(wrapped, layout.revocation_reason, kReason) || !wrapped.finish(kReason)) {
          return false;
        }
      }
      return revoked.finish(kField);
    }
    default:
      return in.fail(kField, in.at_end() ? "missing" : "unexpected tag");
  }
}

bool read_response_extensions(DerReader& in, Range& range, const char* field) {
  Bytes content;
  bool present = false;
  if (!read_optional_extensions(in, 1, content, present, field)) return false;
  range = present ? range_of(in.context(), content) : Range{};
  return true;
}

bool read_single_response(DerReader& in, SingleResponseLayout& layout) {
  const std::uint8_t* start = in.position();
  DerReader single;
  if (!in.enter(tag::kSequence, single, "tbsResponseData.responses")) return false;
  layout.element = range_of(in.context(), {start, in.position()});
  if (!read_cert_id(single, layout.cert_id, "tbsResponseData.responses.certID") || !read_cert_status(single, layout) ||
      !read_time_range(single, layout.this_update, "tbsResponseData.responses.thisUpdate")) {
    return false;
  }
  if (single.peek() == tag::explicit_context(0)) {
    constexpr const char* kField = "tbsResponseData.responses.nextUpdate";
    DerReader wrapped;
    if (!single.enter(tag::explicit_context(0), wrapped, kField) ||
        !read_time_range(wrapped, layout.next_update, kField) || !wrapped.finish(kField)) {
      return false;
    }
  }
  return read_response_extensions(single, layout.extensions, "tbsResponseData.responses.singleExtensions") &&
         single.finish("tbsResponseData.responses");
}

bool read_responder_id(DerReader& in, ResponseLayout& layout) {
  constexpr const char* kField = "tbsResponseData.responderID";
  DerReader wrapped;
  Bytes bytes;
  switch (in.peek()) {
    case tag::explicit_context(1):
      layout.responder_id_tag = 1;
      if (!in.enter(in.peek(), wrapped, kField) || !read_name(wrapped, bytes, kField)) return false;
      break;
    case tag::explicit_context(2):
      layout.responder_id_tag = 2;
      if (!in.enter(in.peek(), wrapped, kField) || !wrapped.read(tag::kOctetString, bytes, kField)) return false;
      break;
    default:
      return in.fail(kField, in.at_end() ? "missing" : "unexpected tag");
  }
  layout.responder_id = range_of(in.context(), bytes);
  return wrapped.finish(kField);
}

bool read_response_data(DerReader& tbs, ResponseLayout& layout) {
  if (!read_default_version(tbs, "tbsResponseData.version") || !read_responder_id(tbs, layout) ||
      !read_time_range(tbs, layout.produced_at, "tbsResponseData.producedAt")) {
    return false;
  }
  DerReader list;
  if (!tbs.enter(tag::kSequence, list, "tbsResponseData.responses")) return false;
  layout.responses = range_of(tbs.context(), list.rest());
  while (!list.at_end()) {
    SingleResponseLayout ignored;
    if (!read_single_response(list, layout.response_count == 0 ? layout.first : ignored)) return false;
    ++layout.response_count;
  }
  return read_response_extensions(tbs, layout.extensions, "tbsResponseData.responseExtensions") &&
         tbs.finish("tbsResponseData");
}

// The certs that were last accepted in this thread. Responses come in great numbers from few responders, whose
// certificates make up most of a response and take as long to read as all the rest.
class AcceptedCertificates {
 public:
  bool contains(Bytes list) const {
    return size_ != 0 && list.size() == size_ && std::memcmp(list.data(), bytes_.data(), size_) == 0;
  }
  void keep(Bytes list) {
    if (list.empty() || list.size() > bytes_.size()) return;
    std::memcpy(bytes_.data(), list.data(), list.size());
    size_ = list.size();
  }

 private:
  std::array<std::uint8_t, 4096> bytes_ = {};
  std::size_t size_ = 0;
};

// Passes a certificate that cannot be read: unless it is needed, it is no one's business.
bool pass_certificate(DerReader& list) {
  DerContext& context = list.context();
  Bytes element;
  context.lenient = true;
  const bool passed = list.read_any(element, "certs");
  context.lenient = false;
  return passed && element[0] == tag::kSequence && context.takes(Encoding::kUnusableCertificate);
}

bool read_certificates(DerReader list) {
  thread_local AcceptedCertificates accepted;
  const bool strict = !list.context().lenient;
  const Bytes all = list.rest();
  if (strict && accepted.contains(all)) return true;
  DerContext& context = list.context();
  const std::uint32_t before = std::exchange(context.encodings, 0);
  while (!list.at_end()) {
    DerReader certificate = list;
    if (read_certificate(certificate, "certs")) {
      list = certificate;
    } else if (!context.field || !pass_certificate(list)) {
      return false;
    }
  }
  if (strict && context.encodings == 0) accepted.keep(all);
  context.encodings |= before;
  return true;
}

bool read_basic_response(DerReader& in, ResponseLayout& layout) {
  const DerContext& context = in.context();
  DerReader basic;
  DerReader tbs;
  if (!in.enter(tag::kSequence, basic, "BasicOCSPResponse")) return false;
  const std::uint8_t* start = basic.position();
  if (!basic.enter(tag::kSequence, tbs, "tbsResponseData")) return false;
  layout.tbs = range_of(context, {start, basic.position()});
  Bytes element;
  Bytes bytes;
  if (!read_response_data(tbs, layout) || !read_algorithm_identifier(basic, element, bytes, "signatureAlgorithm")) {
    return false;
  }
  layout.signature_algorithm = range_of(context, element);
  if (!read_bit_string(basic, tag::kBitString, bytes, "signature")) return false;
  layout.signature = range_of(context, bytes);
  if (basic.peek() == tag::explicit_context(0)) {
    DerReader wrapped;
    DerReader list;
    if (!basic.enter(tag::explicit_context(0), wrapped, "certs") || !wrapped.enter(tag::kSequence, list, "certs") ||
        !wrapped.finish("certs")) {
      return false;
    }
    layout.certificates = range_of(context, list.rest());
    if (!read_certificates(list)) return false;
  }
  return basic.finish("BasicOCSPResponse") && in.finish("BasicOCSPResponse");
}

bool read_response_bytes(DerReader& in, ResponseLayout& layout) {
  DerReader wrapped;
  DerReader response_bytes;
  Bytes type;
  DerReader basic;
  if (!in.enter(tag::explicit_context(0), wrapped, "responseBytes") ||
      !wrapped.enter(tag::kSequence, response_bytes, "responseBytes") || !wrapped.finish("responseBytes") ||
      !read_oid(response_bytes, type, "responseBytes.responseType")) {
    return false;
  }
  if (!std::equal(type.begin(), type.end(), kIdPkixOcspBasic.begin(), kIdPkixOcspBasic.end())) {
    return response_bytes.fail("responseBytes.responseType", "not id-pkix-ocsp-basic");
  }
  return response_bytes.enter(tag::kOctetString, basic, "responseBytes.response") &&
         read_basic_response(basic, layout) && response_bytes.finish("responseBytes");
}

// 4 is not used (RFC 6960 4.2.1).
bool is_known_status(std::int32_t status) { return status >= 0 && status <= 6 && status != 4; }

}  // namespace

bool parse_response(DerContext& context, Bytes der, ResponseLayout& layout) {
  DerReader in(context, der);
  DerReader response;
  if (!in.enter(tag::kSequence, response, "OCSPResponse") ||
      !read_enumerated(response, layout.status, "responseStatus")) {
    return false;
  }
  if (context.lenient && layout.status != 0) return true;  // OpenSSL looks no further, and no member has a value
  const bool has_bytes = !response.at_end();
  if (has_bytes && !read_response_bytes(response, layout)) return false;
  if (!response.finish("OCSPResponse")) return false;
  const Bytes rest = in.rest();
  const bool is_padded = layout.status != 0 && !has_bytes && rest.size() == 1 && rest[0] == 0;
  if (!(is_padded && context.takes(Encoding::kTrailingNul)) && !in.finish("OCSPResponse")) return false;
  layout.encodings = context.encodings;
  if (layout.status == 0 && !has_bytes) return in.fail("responseBytes", "missing in a successful response");
  return is_known_status(layout.status) || in.fail("responseStatus", "unknown status");
}

bool parse_single_responses(DerContext& context, Bytes responses, std::vector<SingleResponseLayout>& layouts) {
  DerReader list(context, responses);
  while (!list.at_end()) {
    if (!read_single_response(list, layouts.emplace_back())) return false;
  }
  return true;
}

bool parse_certificates(DerContext& context, Bytes certificates, std::vector<Range>& ranges) {
  if (context.field) context.lenient = true;  // as those were passed that are not DER
  DerReader list(context, certificates);
  while (!list.at_end()) {
    Bytes element;
    if (!list.read_any(element, "certs")) return false;
    ranges.push_back(range_of(context, element));
  }
  return true;
}

}  // namespace ocsp
