#include "message_writer.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "der_reader.h"

namespace ocsp {

namespace {

using namespace std::string_view_literals;

struct CertIdHash {
  const char* name;
  std::string_view algorithm;  // the AlgorithmIdentifier element; parameters are NULL, as OpenSSL writes them
};

constexpr std::array<CertIdHash, kCertIdHashCount> kCertIdHashes = {{
    {"SHA1", "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"sv},
    {"SHA224", "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00"sv},
    {"SHA256", "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"sv},
    {"SHA384", "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00"sv},
    {"SHA512", "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00"sv},
}};

// OBJECT IDENTIFIER id-pkix-ocsp-basic
constexpr std::string_view kBasicResponseType = "\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01"sv;

Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

void write_cert_id(DerWriter& out, const CertIdFields& id) {
  const std::size_t mark = out.size();
  out.element(tag::kInteger, id.serial);
  out.element(tag::kOctetString, id.issuer_key_hash);
  out.element(tag::kOctetString, id.issuer_name_hash);
  out.raw(as_bytes(kCertIdHashes[static_cast<std::size_t>(id.hash)].algorithm));
  out.close(tag::kSequence, mark);
}

void write_extensions(DerWriter& out, int number, Bytes extensions) {
  if (!extensions.empty()) out.element(tag::explicit_context(number), extensions);
}

// The civil calendar without libc: gmtime is not thread-safe everywhere and stops at different years.
// Days are counted from 0000-03-01, so that the leap day is the last of its year.
void write_time(DerWriter& out, std::int64_t seconds) {
  constexpr std::int64_t kDay = 86400;
  std::int64_t days = seconds / kDay;
  std::int64_t rest = seconds % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);

  std::array<std::uint8_t, 15> text;
  const auto put = [&](std::size_t at, std::size_t count, std::int64_t value) {
    for (std::size_t i = count; i-- > 0; value /= 10) text[at + i] = static_cast<std::uint8_t>('0' + value % 10);
  };
  put(0, 4, year);
  put(4, 2, month);
  put(6, 2, day);
  put(8, 2, rest / 3600);
  put(10, 2, rest / 60 % 60);
  put(12, 2, rest % 60);
  text[14] = 'Z';
  out.element(tag::kGeneralizedTime, text);
}

constexpr std::size_t kSingleResponseSize = 192;  // or so

void write_single_response(DerWriter& out, const SingleResponseFields& single) {
  const std::size_t mark = out.size();
  write_extensions(out, 1, single.extensions);
  if (single.next_update) {
    const std::size_t time = out.size();
    write_time(out, *single.next_update);
    out.close(tag::explicit_context(0), time);
  }
  write_time(out, single.this_update);
  if (single.cert_status == 1) {
    const std::size_t revoked = out.size();
    if (single.revocation_reason >= 0) {
      const std::uint8_t reason = static_cast<std::uint8_t>(single.revocation_reason);
      const std::size_t wrapped = out.size();
      out.element(tag::kEnumerated, {&reason, 1});
      out.close(tag::explicit_context(0), wrapped);
    }
    write_time(out, single.revocation_time);
    out.close(tag::explicit_context(1), revoked);  // IMPLICIT: takes the place of the SEQUENCE tag
  } else {
    out.header(tag::context(single.cert_status), 0);
  }
  write_cert_id(out, single.cert_id);
  out.close(tag::kSequence, mark);
}

void write_all(DerWriter& out, const std::vector<SingleResponseFields>& responses) {
  for (auto single = responses.rbegin(); single != responses.rend(); ++single) write_single_response(out, *single);
}

}  // namespace

const char* cert_id_hash_name(int hash) {
  return hash >= 0 && hash < kCertIdHashCount ? kCertIdHashes[static_cast<std::size_t>(hash)].name : nullptr;
}

int cert_id_hash_index(Bytes oid) {
  for (int i = 0; i < kCertIdHashCount; ++i) {
    // SEQUENCE header, OBJECT IDENTIFIER header, content, NULL
    const Bytes algorithm = as_bytes(kCertIdHashes[static_cast<std::size_t>(i)].algorithm);
    const Bytes content = algorithm.subspan(4, algorithm.size() - 6);
    if (std::equal(content.begin(), content.end(), oid.begin(), oid.end())) return i;
  }
  return -1;
}

ByteVector write_request(const std::vector<RequestEntryFields>& entries, Bytes requestor_name, Bytes extensions) {
  DerWriter out(extensions.size() + requestor_name.size() + entries.size() * 128);
  write_extensions(out, 2, extensions);
  const std::size_t list = out.size();
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const std::size_t mark = out.size();
    write_extensions(out, 0, entry->extensions);
    write_cert_id(out, entry->cert_id);
    out.close(tag::kSequence, mark);
  }
  out.close(tag::kSequence, list);
  if (!requestor_name.empty()) out.element(tag::explicit_context(1), requestor_name);
  out.close(tag::kSequence, 0);
  out.close(tag::kSequence, 0);
  return out.take();
}

ByteVector write_single_responses(const std::vector<SingleResponseFields>& responses) {
  DerWriter out(responses.size() * kSingleResponseSize);
  write_all(out, responses);
  return out.take();
}

ByteVector write_response_data(const ResponseDataFields& fields) {
  std::size_t expected = fields.extensions.size() + fields.responder_id.size();
  expected += fields.responses.size() * kSingleResponseSize;
  for (const Bytes encoded : fields.encoded) expected += encoded.size();
  DerWriter out(expected);
  write_response_data(out, fields);
  return out.take();
}

void write_response_data(DerWriter& out, const ResponseDataFields& fields) {
  write_extensions(out, 1, fields.extensions);
  const std::size_t list = out.size();
  write_all(out, fields.responses);
  for (auto encoded = fields.encoded.rbegin(); encoded != fields.encoded.rend(); ++encoded) out.raw(*encoded);
  out.close(tag::kSequence, list);
  write_time(out, fields.produced_at);
  const std::size_t responder = out.size();
  if (fields.responder_id_tag == 1) {
    out.raw(fields.responder_id);
  } else {
    out.element(tag::kOctetString, fields.responder_id);
  }
  out.close(tag::explicit_context(fields.responder_id_tag), responder);
  out.close(tag::kSequence, 0);
}

ByteVector write_response(Bytes response_data, Bytes signature_algorithm, Bytes signature,
                          const std::vector<Bytes>& certificates) {
  std::size_t expected = response_data.size() + signature_algorithm.size() + signature.size();
  for (const Bytes certificate : certificates) expected += certificate.size();
  DerWriter out(expected);
  write_response(out, response_data, signature_algorithm, signature, certificates);
  return out.take();
}

void write_response(DerWriter& out, Bytes response_data, Bytes signature_algorithm, Bytes signature,
                    const std::vector<Bytes>& certificates) {
  if (!certificates.empty()) {
    for (auto certificate = certificates.rbegin(); certificate != certificates.rend(); ++certificate) {
      out.raw(*certificate);
    }
    out.close(tag::kSequence, 0);
    out.close(tag::explicit_context(0), 0);
  }
  const std::size_t bits = out.size();
  out.raw(signature);
  out.octet(0);  // no unused bits
  out.close(tag::kBitString, bits);
  out.raw(signature_algorithm);
  out.raw(response_data);
  out.close(tag::kSequence, 0);     // BasicOCSPResponse
  out.close(tag::kOctetString, 0);  // response
  out.raw(as_bytes(kBasicResponseType));
  out.close(tag::kSequence, 0);            // ResponseBytes
  out.close(tag::explicit_context(0), 0);  // responseBytes
  const std::uint8_t successful = 0;
  out.element(tag::kEnumerated, {&successful, 1});
  out.close(tag::kSequence, 0);
}

}  // namespace ocsp
