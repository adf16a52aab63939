// The RFC 5280 types that OCSP messages contain, as strict DER. Each function reads one element and returns false
// after recording the fault. In lenient mode OpenSSL has judged the message already and only the frame is read.
#pragma once

#include "der_reader.h"

namespace ocsp {

// INTEGER or ENUMERATED: not empty, minimal two's complement.
bool read_integer(DerReader& in, std::uint8_t tag, Bytes& content, const char* field);
// ENUMERATED that fits a non-negative 31-bit number. In lenient mode anything else becomes -2.
bool read_enumerated(DerReader& in, std::int32_t& value, const char* field);
// [0] EXPLICIT Version DEFAULT v1, of which v1 is the only one that exists.
bool read_default_version(DerReader& in, const char* field);
bool read_oid(DerReader& in, Bytes& content, const char* field);
bool read_bit_string(DerReader& in, std::uint8_t tag, Bytes& bits, const char* field);
// GeneralizedTime as RFC 5280 4.1.2.5.2 requires it: YYYYMMDDHHMMSSZ and a real date. Year 0000 passes. Where a
// fraction of a second may stand, `text` is what comes before it: YYYYMMDDHHMMSS.
bool read_generalized_time(DerReader& in, Bytes& text, const char* field);
// AlgorithmIdentifier; `element` is the whole, `oid` the content of its OBJECT IDENTIFIER.
bool read_algorithm_identifier(DerReader& in, Bytes& element, Bytes& oid, const char* field);
bool read_name(DerReader& in, Bytes& element, const char* field);
bool read_general_name(DerReader& in, Bytes& element, const char* field);
// [number] EXPLICIT Extensions OPTIONAL; `content` is that of the SEQUENCE OF, `present` tells absent from empty.
bool read_optional_extensions(DerReader& in, int number, Bytes& content, bool& present, const char* field);

// A Certificate, frame and names and extensions; its public key stays undecoded (that costs OpenSSL 3.0 over 100 us).
bool read_certificate(DerReader& in, const char* field);

}  // namespace ocsp
