#include "plain_key.h"

#include <openssl/core_names.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>

#include "error_queue.h"
#include "recent_cache.h"
#include "x509_grammar.h"

namespace ocsp {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMinModulus = 128;  // bytes
constexpr std::size_t kMaxModulus = 1024;
constexpr std::size_t kMaxExponent = 4;

constexpr std::size_t kKeptKeys = 256;
constexpr std::size_t kKeptOctets = 65536;

EvpPkeyPtr make_public_key(const char* type, OSSL_PARAM* parameters) {
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
    EVP_PKEY_free(key);
    return nullptr;
  }
  return EvpPkeyPtr(key);
}

// A positive INTEGER, as OpenSSL's parameters have it: the machine's order of bytes.
bool read_positive(DerReader& in, std::size_t max_size, ByteVector& bytes) {
  Bytes content;
  if (!read_integer(in, tag::kInteger, content, "") || content[0] >= 0x80) return false;
  if (content[0] == 0) content = content.subspan(1);
  if (content.empty() || content.size() > max_size) return false;
  bytes.assign(content.begin(), content.end());
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_BIG_ENDIAN__
  std::ranges::reverse(bytes);
#endif
  return true;
}

EvpPkeyPtr read_rsa_key(Bytes bits) {
  DerContext context{bits.data(), false, {}};
  DerReader in(context, bits);
  DerReader numbers;
  ByteVector modulus;
  ByteVector exponent;
  if (!in.enter(tag::kSequence, numbers, "") || !in.at_end() || !read_positive(numbers, kMaxModulus, modulus) ||
      !read_positive(numbers, kMaxExponent, exponent) || !numbers.at_end() || modulus.size() < kMinModulus) {
    return nullptr;
  }
  std::array parameters = {OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, modulus.data(), modulus.size()),
                           OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, exponent.data(), exponent.size()),
                           OSSL_PARAM_construct_end()};
  return make_public_key("RSA", parameters.data());
}

// A curve, and a key of it whose copies get other points: to make a group takes longer than to copy one.
struct Curve {
  std::string_view oid;
  const char* name;
  std::size_t point_size;
  EvpPkeyPtr first;
};

EvpPkeyPtr make_curve_key(const Curve& curve, Bytes point) {
  std::string name = curve.name;
  ByteVector bytes(point.begin(), point.end());
  std::array parameters = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes.data(), bytes.size()),
                           OSSL_PARAM_construct_end()};
  return make_public_key("EC", parameters.data());
}

EvpPkeyPtr read_curve_key(Bytes oid, Bytes point) {
  // Never destroyed: threads may verify while the process exits.
  static std::mutex mutex;
  static auto& curves = *new std::array<Curve, 3>{
      Curve{"\x2a\x86\x48\xce\x3d\x03\x01\x07"sv, SN_X9_62_prime256v1, 65, nullptr},
      Curve{"\x2b\x81\x04\x00\x22"sv, SN_secp384r1, 97, nullptr},
      Curve{"\x2b\x81\x04\x00\x23"sv, SN_secp521r1, 133, nullptr},
  };
  const auto curve = std::ranges::find(curves, view_of(oid), &Curve::oid);
  constexpr std::uint8_t kUncompressed = 4;
  if (curve == curves.end() || point.size() != curve->point_size || point[0] != kUncompressed) return nullptr;
  const EVP_PKEY* first = nullptr;
  {
    const std::lock_guard lock(mutex);
    if (!curve->first) curve->first = make_curve_key(*curve, point);
    first = curve->first.get();
  }
  EvpPkeyPtr key(first == nullptr ? nullptr : EVP_PKEY_dup(const_cast<EVP_PKEY*>(first)));
  // It refuses what is no point of the curve.
  if (!key || EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), point.size()) != 1) return nullptr;
  return key;
}

}  // namespace

EvpPkeyPtr read_plain_key(Bytes element) {
  ErrorQueueScope errors;
  DerContext context{element.data(), false, {}};
  DerReader in(context, element);
  DerReader info;
  DerReader algorithm;
  Bytes oid;
  Bytes parameters;
  Bytes bits;
  if (!in.enter(tag::kSequence, info, "") || !in.at_end() || !info.enter(tag::kSequence, algorithm, "") ||
      !read_oid(algorithm, oid, "")) {
    return nullptr;
  }
  const std::uint8_t parameters_tag = algorithm.peek();
  if (!algorithm.at_end() && !algorithm.read_any(parameters, "")) return nullptr;
  if (!algorithm.at_end() || !info.read(tag::kBitString, bits, "") || !info.at_end() || bits.empty() || bits[0] != 0) {
    return nullptr;
  }
  bits = bits.subspan(1);
  const std::string_view name = view_of(oid);
  if (name == "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"sv) {
    return parameters_tag == tag::kNull && parameters.size() == 2 ? read_rsa_key(bits) : nullptr;
  }
  if (name == "\x2a\x86\x48\xce\x3d\x02\x01"sv) {
    return parameters_tag == tag::kOid ? read_curve_key(parameters.subspan(2), bits) : nullptr;
  }
  if (parameters_tag != 0) return nullptr;
  const bool is_ed25519 = name == "\x2b\x65\x70"sv;
  if (!is_ed25519 && name != "\x2b\x65\x71"sv) return nullptr;
  if (bits.size() != (is_ed25519 ? 32 : 57)) return nullptr;
  return EvpPkeyPtr(
      EVP_PKEY_new_raw_public_key_ex(nullptr, is_ed25519 ? "ED25519" : "ED448", nullptr, bits.data(), bits.size()));
}

std::shared_ptr<PlainKey> PlainKey::of(Bytes element) {
  // Never destroyed: threads may verify while the process exits.
  static auto& kept = *new RecentCache<PlainKey>(kKeptKeys, kKeptOctets);
  if (auto known = kept.find(element)) return known;
  const EvpPkeyPtr key = read_plain_key(element);
  if (!key) return nullptr;
  auto made = std::make_shared<PlainKey>(element, key.get());
  kept.keep(made);
  return made;
}

}  // namespace ocsp
