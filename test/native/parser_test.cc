// What the core reads, against OpenSSL's own parser and getters; and hostile bytes of every kind.
#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "check.h"
#include "core/error_queue.h"
#include "core/lenient.h"
#include "core/response_parser.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

// Copies into memory of exactly this size, so that the sanitizer sees one octet read too many.
ByteVector exact(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

bool strict_response(Bytes der, ResponseLayout& layout) {
  DerContext context{der.data(), false, {}};
  const bool read = parse_response(context, der, layout);
  if (!read)
    check(context.fault.reason != nullptr && context.fault.offset <= der.size(), "a refusal says why and where");
  return read;
}

bool strict_request(Bytes der, RequestLayout& layout) {
  DerContext context{der.data(), false, {}};
  const bool read = parse_request(context, der, layout);
  if (!read)
    check(context.fault.reason != nullptr && context.fault.offset <= der.size(), "a refusal says why and where");
  return read;
}

ByteVector part(Bytes der, Range range) {
  return exact(der.subspan(static_cast<std::size_t>(range.start), static_cast<std::size_t>(range.end - range.start)));
}

ByteVector content(const ASN1_STRING* string) {
  const unsigned char* data = ASN1_STRING_get0_data(string);
  return {data, data + ASN1_STRING_length(string)};
}

// What was read strictly, OpenSSL reads too, and finds the same values.
void compare_response(Bytes der, const ResponseLayout& layout, const std::string& name) {
  const unsigned char* in = der.data();
  const OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &in, static_cast<long>(der.size())));
  // OpenSSL decodes what is only framed here: names' characters, public keys.
  if (!response) return;
  check(in == der.data() + der.size(), name + ": nothing is left over");
  check(OCSP_response_status(response.get()) == layout.status, name + ": status");
  if (layout.responder_id_tag == 0) return;
  const OcspBasicRespPtr basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return;
  check(OCSP_resp_count(basic.get()) == layout.response_count, name + ": number of entries");
  check(part(der, layout.signature) == content(OCSP_resp_get0_signature(basic.get())), name + ": signature");
  check(part(der, layout.produced_at) == content(OCSP_resp_get0_produced_at(basic.get())), name + ": producedAt");
  const ASN1_OCTET_STRING* key = nullptr;
  const X509_NAME* responder = nullptr;
  OCSP_resp_get0_id(basic.get(), &key, &responder);
  check((key != nullptr) == (layout.responder_id_tag == 2), name + ": kind of responder id");
  if (key != nullptr) check(part(der, layout.responder_id) == content(key), name + ": key hash");
  if (layout.response_count == 0) return;
  OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), 0);
  ASN1_OCTET_STRING *name_hash = nullptr, *key_hash = nullptr;
  ASN1_INTEGER* serial = nullptr;
  auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
  OCSP_id_get0_info(&name_hash, nullptr, &key_hash, &serial, id);
  check(part(der, layout.first.cert_id.issuer_name_hash) == content(name_hash), name + ": issuerNameHash");
  check(part(der, layout.first.cert_id.issuer_key_hash) == content(key_hash), name + ": issuerKeyHash");
  int reason = -1;
  ASN1_GENERALIZEDTIME *revoked = nullptr, *this_update = nullptr, *next_update = nullptr;
  check(OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update) == layout.first.cert_status,
        name + ": certStatus");
  check(part(der, layout.first.this_update) == content(this_update), name + ": thisUpdate");
  check((next_update != nullptr) == (layout.first.next_update.start >= 0), name + ": nextUpdate");
  if (layout.first.cert_status == 1) {
    check(part(der, layout.first.revocation_time) == content(revoked), name + ": revocationTime");
    check(reason == layout.first.revocation_reason, name + ": revocationReason");
  }
}

// The lists behind the offsets read again, as the binding does it.
void reread_lists(Bytes der, const ResponseLayout& layout) {
  if (layout.responder_id_tag == 0) return;
  DerContext context{der.data(), false, {}};
  std::vector<SingleResponseLayout> singles;
  const auto list = part(der, layout.responses);
  const Bytes responses = der.subspan(static_cast<std::size_t>(layout.responses.start), list.size());
  check(parse_single_responses(context, responses, singles), "entries that were read can be read again");
  check(static_cast<std::int32_t>(singles.size()) == layout.response_count, "and are as many");
  if (layout.certificates.start < 0) return;
  std::vector<Range> ranges;
  const Bytes certificates =
      der.subspan(static_cast<std::size_t>(layout.certificates.start), part(der, layout.certificates).size());
  check(parse_certificates(context, certificates, ranges), "certificates that were read can be read again");
}

// What OpenSSL accepts, the lenient reader accepts, and nothing else.
void compare_lenient_response(Bytes data) {
  const unsigned char* in = data.data();
  const OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &in, static_cast<long>(data.size())));
  bool accepted = response != nullptr;
  if (accepted && OCSP_response_status(response.get()) == 0) {
    accepted = OcspBasicRespPtr(OCSP_response_get1_basic(response.get())) != nullptr;
  }
  ERR_clear_error();
  const auto normalized = normalize_response(data);
  if (!check(normalized.ok() == accepted, "lenient acceptance of a response is OpenSSL's") || !accepted) return;
  const Bytes der = normalized.value();
  DerContext context{der.data(), true, {}};
  ResponseLayout layout;
  const bool read = parse_response(context, der, layout);
  check(read, std::string("what OpenSSL normalised is read: ") + (read ? "" : context.fault.reason));
}

void compare_lenient_request(Bytes data) {
  const unsigned char* in = data.data();
  const bool accepted = OcspRequestPtr(d2i_OCSP_REQUEST(nullptr, &in, static_cast<long>(data.size()))) != nullptr;
  ERR_clear_error();
  const auto normalized = normalize_request(data);
  if (!check(normalized.ok() == accepted, "lenient acceptance of a request is OpenSSL's") || !accepted) return;
  const Bytes der = normalized.value();
  DerContext context{der.data(), true, {}};
  RequestLayout layout;
  const bool read = parse_request(context, der, layout);
  check(read, std::string("what OpenSSL normalised is read: ") + (read ? "" : context.fault.reason));
}

ByteVector mutate(ByteVector bytes) {
  const std::size_t times = 1 + below(3);
  for (std::size_t i = 0; i < times && !bytes.empty(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(below(bytes.size()));
    switch (below(5)) {
      case 0:
        bytes[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(below(256));
        break;
      case 1:
        bytes[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1U << below(8));
        break;
      case 2:
        bytes.erase(bytes.begin() + at);
        break;
      case 3:
        bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(below(256)));
        break;
      default: {  // definite to indefinite length, the usual BER
        constexpr std::uint8_t kIndefinite = 0x80;
        bytes[static_cast<std::size_t>(at)] = kIndefinite;
        bytes.insert(bytes.end(), 2, 0);
        break;
      }
    }
  }
  return bytes;
}

void test_response_file(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const ByteVector der = read_file(path);
  ResponseLayout layout;
  if (strict_response(der, layout)) {
    compare_response(der, layout, name);
    reread_lists(der, layout);
  }
  for (std::size_t length = 0; length<der.size(); length += der.size()> 4000 ? 7 : 1) {
    ResponseLayout ignored;
    check(!strict_response(exact(Bytes(der).first(length)), ignored), name + ": cut off");
  }
  for (int round = 0; round < 1500; ++round) {
    const ByteVector mutant = exact(mutate(der));
    ResponseLayout read;
    if (strict_response(mutant, read)) {
      compare_response(mutant, read, name + ", changed");
      reread_lists(mutant, read);
    }
    if (round < 400) compare_lenient_response(mutant);
  }
}

void test_request_file(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const ByteVector der = read_file(path);
  for (std::size_t length = 0; length < der.size(); ++length) {
    RequestLayout ignored;
    check(!strict_request(exact(Bytes(der).first(length)), ignored), name + ": cut off");
  }
  for (int round = 0; round < 1500; ++round) {
    const ByteVector mutant = round == 0 ? der : exact(mutate(der));
    RequestLayout read;
    if (strict_request(mutant, read)) {
      DerContext context{mutant.data(), false, {}};
      std::vector<RequestEntryLayout> entries;
      const Bytes list = Bytes(mutant).subspan(static_cast<std::size_t>(read.entries.start),
                                               static_cast<std::size_t>(read.entries.end - read.entries.start));
      check(parse_request_entries(context, list, entries) &&
                static_cast<std::int32_t>(entries.size()) == read.entry_count,
            name + ": entries that were read can be read again");
    }
    compare_lenient_request(mutant);
  }
}

// 10,000 levels: the readers must not recurse on what the sender chose.
void test_nesting() {
  for (const std::uint8_t tag : {std::uint8_t{0x30}, std::uint8_t{0xa0}, std::uint8_t{0x24}}) {
    ByteVector nested;
    for (int i = 0; i < 10000; ++i) nested.insert(nested.end(), {tag, 0x80});
    ResponseLayout response;
    check(!strict_response(nested, response), "nested without end");
    DerContext context{nested.data(), true, {}};
    check(!parse_response(context, nested, response), "nested without end, leniently");
    check(!normalize_response(nested).ok(), "nested without end, by OpenSSL");
  }
}

void test_error_queue() {
  ERR_clear_error();
  ERR_raise(ERR_LIB_USER, 42);
  const unsigned long before = ERR_peek_error();
  check(!normalize_response(ByteVector{0x30, 0x01}).ok(), "junk");
  check(!Certificate::parse(ByteVector{0x30, 0x01}).ok(), "a certificate of junk");
  const auto key = PrivateKey::parse(ByteVector{0x30, 0x01});
  check(!key.ok() && !key.error().message.empty(), "a key of junk, with a message");
  check(ERR_get_error() == before && ERR_get_error() == 0, "the error queue is as it was found");
  check(!normalize_request(ByteVector{}).ok() && ERR_peek_error() == 0, "and stays empty");
}

}  // namespace

int main() {
  for (const auto& path : vector_files("resp")) test_response_file(path);
  for (const auto& path : vector_files("req-")) test_request_file(path);
  for (const auto& path : vector_files("-req")) test_request_file(path);
  test_nesting();
  test_error_queue();
  return check.finish();
}
