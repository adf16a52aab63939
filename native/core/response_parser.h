// Reads an OCSPResponse (RFC 6960 4.2.1) into offsets. Embedded certificates are framed and checked, never decoded.
#pragma once

#include <cstdint>
#include <vector>

#include "request_parser.h"

namespace ocsp {

struct SingleResponseLayout {
  CertIdLayout cert_id;
  std::int32_t cert_status = -1;        // 0 good, 1 revoked, 2 unknown
  std::int32_t revocation_reason = -1;  // CRLReason code; -1 absent, -2 not a usable number
  Range revocation_time;                // text of the GeneralizedTime
  Range this_update;
  Range next_update;
  Range extensions;  // content of the SEQUENCE OF Extension
  Range element;     // the whole SingleResponse
};

struct ResponseLayout {
  std::int32_t status = -1;
  std::int32_t responder_id_tag = 0;  // 1 byName, 2 byKey; 0 when there is no BasicOCSPResponse
  Range tbs;                          // the ResponseData element
  Range signature_algorithm;          // the AlgorithmIdentifier element
  Range signature;                    // bits, without the unused-bits byte
  Range certificates;                 // content of certs
  Range responder_id;                 // byName: the Name element; byKey: the hash
  Range produced_at;
  Range extensions;
  Range responses;  // content of responses
  std::int32_t response_count = 0;
  SingleResponseLayout first;   // meaningful when response_count > 0
  std::uint32_t encodings = 0;  // Encoding, those that are not DER
};

bool parse_response(DerContext& context, Bytes der, ResponseLayout& layout);
// The entries of a response that parse_response accepted.
bool parse_single_responses(DerContext& context, Bytes responses, std::vector<SingleResponseLayout>& layouts);
// The elements of certs.
bool parse_certificates(DerContext& context, Bytes certificates, std::vector<Range>& ranges);

}  // namespace ocsp
