// The forms in which ASN.1 writes times, judged without reading them: whether each part is there and in range.
#pragma once

#include "bytes.h"

namespace ocsp {

// YYYYMMDDHHMMSSZ, as RFC 5280 4.1.2.5.2 requires GeneralizedTime.
bool is_generalized_time(Bytes text);
// YYYYMMDDHHMMSS.fZ: a fraction of a second, of up to nine digits.
bool is_fractional_time(Bytes text);
// UTCTime as X.680 has it: YYMMDDhhmm[ss] and Z or an offset. Embedded certificates only.
bool is_utc_time(Bytes text);

}  // namespace ocsp
