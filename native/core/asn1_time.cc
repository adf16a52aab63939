#include "asn1_time.h"

#include <algorithm>
#include <array>

namespace ocsp {

namespace {

bool digits(const std::uint8_t* text, int count, int& value) {
  value = 0;
  for (int i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  return true;
}

bool is_date(int year, int month, int day) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int last = kDays[static_cast<std::size_t>(month - 1)] + (leap && month == 2 ? 1 : 0);
  return day >= 1 && day <= last;
}

// Of MMDDHHMMSS.
std::int64_t seconds_from(int year, const std::uint8_t* text) {
  int month, day, hour, minute, second;
  digits(text, 2, month);
  digits(text + 2, 2, day);
  digits(text + 4, 2, hour);
  digits(text + 6, 2, minute);
  digits(text + 8, 2, second);
  return seconds_of_date(year, month, day, hour, minute, second);
}

}  // namespace

bool is_utc_time(Bytes text) {
  if (text.size() < 11) return false;
  int year, month, day, hour, minute;
  int second = 0;
  const std::uint8_t* p = text.data();
  if (!digits(p, 2, year) || !digits(p + 2, 2, month) || !digits(p + 4, 2, day) || !digits(p + 6, 2, hour) ||
      !digits(p + 8, 2, minute)) {
    return false;
  }
  std::size_t at = 10;
  if (text.size() >= 13 && text[at] >= '0' && text[at] <= '9') {
    if (!digits(p + at, 2, second)) return false;
    at += 2;
  }
  if (!is_date(year >= 50 ? 1900 + year : 2000 + year, month, day) || hour > 23 || minute > 59 || second > 59) {
    return false;
  }
  const std::size_t left = text.size() - at;
  if (left == 1) return text[at] == 'Z';
  int offset_hour, offset_minute;
  return left == 5 && (text[at] == '+' || text[at] == '-') && digits(p + at + 1, 2, offset_hour) &&
         digits(p + at + 3, 2, offset_minute) && offset_hour <= 23 && offset_minute <= 59;
}

bool is_generalized_time(Bytes text) {
  if (text.size() != 15 || text[14] != 'Z') return false;
  int year, month, day, hour, minute, second;
  const std::uint8_t* p = text.data();
  return digits(p, 4, year) && digits(p + 4, 2, month) && digits(p + 6, 2, day) && digits(p + 8, 2, hour) &&
         digits(p + 10, 2, minute) && digits(p + 12, 2, second) && is_date(year, month, day) && hour <= 23 &&
         minute <= 59 && second <= 59;
}

bool is_fractional_time(Bytes text) {
  if (text.size() < 17 || text.size() > 25 || text[14] != '.' || text.back() != 'Z') return false;
  std::array<std::uint8_t, 15> whole;
  std::copy_n(text.begin(), 14, whole.begin());
  whole[14] = 'Z';
  const Bytes digits = text.subspan(15, text.size() - 16);
  return is_generalized_time(whole) &&
         std::all_of(digits.begin(), digits.end(), [](std::uint8_t c) { return c >= '0' && c <= '9'; });
}

std::int64_t seconds_of_date(std::int64_t year, int month, int day, int hour, int minute, int second) {
  // Days from the civil calendar, with years that begin in March.
  if (month <= 2) year -= 1;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  const std::int64_t days = era * 146097 + day_of_era - 719468;
  return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

std::int64_t seconds_of_utc_time(Bytes text) {
  int year;
  digits(text.data(), 2, year);
  return seconds_from(year >= 50 ? 1900 + year : 2000 + year, text.data() + 2);
}

std::int64_t seconds_of_generalized_time(Bytes text) {
  int year;
  digits(text.data(), 4, year);
  return seconds_from(year, text.data() + 4);
}

}  // namespace ocsp
