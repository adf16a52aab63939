// The forms in which ASN.1 writes times, judged (whether each part is there and in range)
// and read.
#pragma once

#include <cstdint>

#include "bytes.h"

namespace ocsp {

// YYYYMMDDHHMMSSZ, as RFC 5280 4.1.2.5.2 requires GeneralizedTime.
bool is_generalized_time(Bytes text);
// YYYYMMDDHHMMSS.fZ: a fraction of a second, of up to nine digits.
bool is_fractional_time(Bytes text);
// UTCTime as X.680 has it: YYMMDDhhmm[ss] and Z or an offset. Embedded certificates only.
bool is_utc_time(Bytes text);

// Seconds since 1970-01-01. The texts have been judged: YYMMDDHHMMSSZ of the years 1950 to 2049, and YYYYMMDDHHMMSSZ.
std::int64_t seconds_of_utc_time(Bytes text);
std::int64_t seconds_of_generalized_time(Bytes text);
// Proleptic Gregorian calendar, UTC.
std::int64_t seconds_of_date(std::int64_t year, int month, int day, int hour, int minute, int second);

}  // namespace ocsp
