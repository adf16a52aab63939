#include "request_parser.h"

#include "message_writer.h"
#include "x509_grammar.h"

namespace ocsp {

bool read_cert_id(DerReader& in, CertIdLayout& layout, const char* field) {
  const DerContext& context = in.context();
  DerReader id;
  Bytes element;
  Bytes bytes;
  if (!in.enter(tag::kSequence, id, field) || !read_algorithm_identifier(id, element, bytes, field)) return false;
  layout.hash_algorithm = range_of(context, bytes);
  layout.hash = cert_id_hash_index(bytes);
  if (!id.read(tag::kOctetString, bytes, field)) return false;
  layout.issuer_name_hash = range_of(context, bytes);
  if (!id.read(tag::kOctetString, bytes, field)) return false;
  layout.issuer_key_hash = range_of(context, bytes);
  if (!read_integer(id, tag::kInteger, bytes, field)) return false;
  layout.serial = range_of(context, bytes);
  return id.finish(field);
}

namespace {

bool read_extensions_range(DerReader& in, int number, Range& range, const char* field) {
  Bytes content;
  bool present = false;
  if (!read_optional_extensions(in, number, content, present, field)) return false;
  range = present ? range_of(in.context(), content) : Range{};
  return true;
}

bool read_entry(DerReader& in, RequestEntryLayout& layout) {
  const std::uint8_t* start = in.position();
  DerReader entry;
  if (!in.enter(tag::kSequence, entry, "tbsRequest.requestList")) return false;
  layout.element = range_of(in.context(), {start, in.position()});
  return read_cert_id(entry, layout.cert_id, "tbsRequest.requestList.reqCert") &&
         read_extensions_range(entry, 0, layout.extensions, "tbsRequest.requestList.singleRequestExtensions") &&
         entry.finish("tbsRequest.requestList");
}

bool read_tbs_request(DerReader& tbs, RequestLayout& layout) {
  const DerContext& context = tbs.context();
  if (!read_default_version(tbs, "tbsRequest.version")) return false;
  if (tbs.peek() == tag::explicit_context(1)) {
    DerReader wrapped;
    Bytes name;
    if (!tbs.enter(tag::explicit_context(1), wrapped, "tbsRequest.requestorName") ||
        !read_general_name(wrapped, name, "tbsRequest.requestorName") || !wrapped.finish("tbsRequest.requestorName")) {
      return false;
    }
    layout.requestor_name = range_of(context, name);
  }
  DerReader list;
  if (!tbs.enter(tag::kSequence, list, "tbsRequest.requestList")) return false;
  layout.entries = range_of(context, list.rest());
  while (!list.at_end()) {
    RequestEntryLayout ignored;
    if (!read_entry(list, layout.entry_count == 0 ? layout.first : ignored)) return false;
    ++layout.entry_count;
  }
  return read_extensions_range(tbs, 2, layout.extensions, "tbsRequest.requestExtensions") && tbs.finish("tbsRequest");
}

}  // namespace

bool parse_request(DerContext& context, Bytes der, RequestLayout& layout) {
  DerReader in(context, der);
  DerReader request;
  DerReader tbs;
  if (!in.enter(tag::kSequence, request, "OCSPRequest")) return false;
  const std::uint8_t* start = request.position();
  if (!request.enter(tag::kSequence, tbs, "tbsRequest")) return false;
  layout.tbs = range_of(context, {start, request.position()});
  if (!read_tbs_request(tbs, layout)) return false;
  if (request.peek() == tag::explicit_context(0)) {
    // Only framed here: what is inside matters to whoever verifies the signature.
    DerReader wrapped;
    Bytes content;
    if (!request.enter(tag::explicit_context(0), wrapped, "optionalSignature")) return false;
    const Bytes element = wrapped.rest();
    if (!wrapped.read(tag::kSequence, content, "optionalSignature") || !wrapped.finish("optionalSignature"))
      return false;
    layout.signature = range_of(context, element);
  }
  return request.finish("OCSPRequest") && in.finish("OCSPRequest");
}

bool parse_request_entries(DerContext& context, Bytes entries, std::vector<RequestEntryLayout>& layouts) {
  DerReader list(context, entries);
  while (!list.at_end()) {
    if (!read_entry(list, layouts.emplace_back())) return false;
  }
  return true;
}

}  // namespace ocsp
