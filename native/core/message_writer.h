// Writes the to-be-signed and unsigned parts of OCSP messages (RFC 6960 4.1.1, 4.2.1) as DER.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "der_writer.h"

namespace ocsp {

struct CertIdFields {
  int hash = 0;  // index into the CertID hash table below
  Bytes issuer_name_hash;
  Bytes issuer_key_hash;
  Bytes serial;  // content bytes of the INTEGER, minimal
};

// The hashes of a CertID, in the order that both sides of the binding use: SHA-1, SHA-224, SHA-256, SHA-384, SHA-512.
inline constexpr int kCertIdHashCount = 5;
// OpenSSL's name of such a hash; nullptr out of range.
const char* cert_id_hash_name(int hash);
// The index of the hash with this OBJECT IDENTIFIER (content bytes); -1 when it is none of them.
int cert_id_hash_index(Bytes oid);

struct RequestEntryFields {
  CertIdFields cert_id;
  Bytes extensions;  // the SEQUENCE OF Extension element; empty when absent
};

// OCSPRequest without optionalSignature.
ByteVector write_request(const std::vector<RequestEntryFields>& entries, Bytes requestor_name, Bytes extensions);

struct SingleResponseFields {
  CertIdFields cert_id;
  int cert_status = 0;               // 0 good, 1 revoked, 2 unknown
  std::int64_t revocation_time = 0;  // seconds since 1970-01-01, years 1 to 9999; when revoked
  int revocation_reason = -1;        // CRLReason code, -1 for none; when revoked
  std::int64_t this_update = 0;
  std::optional<std::int64_t> next_update;
  Bytes extensions;
};

struct ResponseDataFields {
  int responder_id_tag = 0;  // 1 byName, 2 byKey
  Bytes responder_id;        // byName: the Name element; byKey: SHA-1 of the key bits
  std::int64_t produced_at = 0;
  std::vector<Bytes> encoded;  // SingleResponse elements; they come before the others
  std::vector<SingleResponseFields> responses;
  Bytes extensions;
};

// SingleResponse elements, one after the other.
ByteVector write_single_responses(const std::vector<SingleResponseFields>& responses);

// ResponseData, which is what gets signed.
ByteVector write_response_data(const ResponseDataFields& fields);
void write_response_data(DerWriter& out, const ResponseDataFields& fields);

// A successful OCSPResponse around a signed ResponseData. `certificates` are whole Certificate elements.
ByteVector write_response(Bytes response_data, Bytes signature_algorithm, Bytes signature,
                          const std::vector<Bytes>& certificates);
void write_response(DerWriter& out, Bytes response_data, Bytes signature_algorithm, Bytes signature,
                    const std::vector<Bytes>& certificates);

}  // namespace ocsp
