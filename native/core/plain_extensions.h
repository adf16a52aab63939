// The extensions of a plain certificate (plain_certificate.h): what OpenSSL, when it is first asked about them, reads
// out of them without a complaint.
#pragma once

#include <cstdint>
#include <optional>

#include "bytes.h"

namespace ocsp {

// Parts of the bytes that were read.
struct PlainExtensions {
  Bytes subject_key_id;                   // data() is nullptr where there is none
  Bytes authority_key_id;                 // likewise
  std::optional<std::uint8_t> key_usage;  // the first byte of the bits: KU_* of OpenSSL
  bool has_constraints = false;           // basicConstraints
  bool is_ca = false;                     // by basicConstraints
  bool is_ocsp_signer = false;            // OCSPSigning among the extended key usages
  bool has_no_check = false;              // id-pkix-ocsp-nocheck
  bool has_unusual_critical = false;      // critical, and not one that every verifier honours
};

// Nothing where one is there twice, is malformed, or is of a kind that changes what others mean.
std::optional<PlainExtensions> read_plain_extensions(Bytes extensions);

}  // namespace ocsp
