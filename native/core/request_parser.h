// Reads an OCSPRequest (RFC 6960 4.1.1) into offsets; nothing is copied and nothing is allocated per entry.
#pragma once

#include <cstdint>
#include <vector>

#include "der_reader.h"

namespace ocsp {

// A part of the message as [start, end) byte offsets; start is -1 where an optional part is absent.
// These structs are the layout that JavaScript reads (typings/binding.d.ts): 32-bit numbers only, order is meaning.
struct Range {
  std::int32_t start = -1;
  std::int32_t end = -1;
};

struct CertIdLayout {
  Range hash_algorithm;  // content bytes of the OBJECT IDENTIFIER
  Range issuer_name_hash;
  Range issuer_key_hash;
  Range serial;            // content bytes of the INTEGER
  std::int32_t hash = -1;  // index among the CertID hashes (message_writer.h); -1 for any other
};

struct RequestEntryLayout {
  CertIdLayout cert_id;
  Range extensions;  // content of the SEQUENCE OF Extension
  Range element;     // the whole Request
};

struct RequestLayout {
  Range tbs;
  Range requestor_name;  // the GeneralName element
  Range extensions;
  Range signature;  // the Signature element inside optionalSignature
  Range entries;    // content of requestList
  std::int32_t entry_count = 0;
  RequestEntryLayout first;  // meaningful when entry_count > 0
};

bool parse_request(DerContext& context, Bytes der, RequestLayout& layout);
// The entries of a request that parse_request accepted.
bool parse_request_entries(DerContext& context, Bytes entries, std::vector<RequestEntryLayout>& layouts);

// Shared with responses.
inline Range range_of(const DerContext& context, Bytes bytes) {
  const auto start = static_cast<std::int32_t>(bytes.data() - context.base);
  return {start, start + static_cast<std::int32_t>(bytes.size())};
}
bool read_cert_id(DerReader& in, CertIdLayout& layout, const char* field);

}  // namespace ocsp
