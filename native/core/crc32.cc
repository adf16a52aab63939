#include "crc32.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

namespace ocsp {

namespace {

// Bytes that are taken at a time.
constexpr std::size_t kSlice = 8;
using Table = std::array<std::array<std::uint32_t, 256>, kSlice>;

constexpr Table make_table() {
  Table table{};
  for (std::uint32_t octet = 0; octet < 256; ++octet) {
    std::uint32_t sum = octet;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xedb88320U : 0U);
    table[0][octet] = sum;
  }
  for (std::size_t slice = 1; slice < kSlice; ++slice) {
    for (std::size_t octet = 0; octet < 256; ++octet) {
      const std::uint32_t sum = table[slice - 1][octet];
      table[slice][octet] = (sum >> 8) ^ table[0][sum & 0xff];
    }
  }
  return table;
}

constexpr Table kTable = make_table();

}  // namespace

std::uint32_t crc32(Bytes bytes, std::uint32_t sum) {
  sum = ~sum;
  std::size_t at = 0;
  if constexpr (std::endian::native == std::endian::little) {
    for (; bytes.size() - at >= kSlice; at += kSlice) {
      std::uint32_t low = 0;
      std::uint32_t high = 0;
      std::memcpy(&low, &bytes[at], sizeof low);
      std::memcpy(&high, &bytes[at + 4], sizeof high);
      low ^= sum;
      sum = kTable[7][low & 0xff] ^ kTable[6][(low >> 8) & 0xff] ^ kTable[5][(low >> 16) & 0xff] ^
            kTable[4][low >> 24] ^ kTable[3][high & 0xff] ^ kTable[2][(high >> 8) & 0xff] ^
            kTable[1][(high >> 16) & 0xff] ^ kTable[0][high >> 24];
    }
  }
  for (; at < bytes.size(); ++at) sum = (sum >> 8) ^ kTable[0][(sum ^ bytes[at]) & 0xff];
  return ~sum;
}

}  // namespace ocsp
