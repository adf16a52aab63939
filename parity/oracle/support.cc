#include "support.h"

#include <openssl/evp.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace oracle {

void fail(std::string_view what) {
  std::fprintf(stderr, "oracle: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(2);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> fields;
  if (text.empty() || text == "-") return fields;
  while (true) {
    const std::size_t at = text.find(separator);
    fields.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return fields;
    text.remove_prefix(at + 1);
  }
}

Bytes unhex(std::string_view text) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  Bytes bytes;
  if (text == "-") return bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<unsigned char>((digit(text[i]) << 4) | digit(text[i + 1])));
  return bytes;
}

long number(std::string_view text) {
  long value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ptr != text.data() + text.size())
    fail("not a number");
  return value;
}

namespace {

template <typename Pointer, typename Parse>
Pointer parsed(std::string_view hex, Parse d2i) {
  const Bytes der = unhex(hex);
  const unsigned char* in = der.data();
  return Pointer(d2i(nullptr, &in, static_cast<long>(der.size())));
}

}  // namespace

X509Ptr certificate(std::string_view hex) {
  auto result = parsed<X509Ptr>(hex, d2i_X509);
  if (!result) fail("not a certificate");
  return result;
}

StackPtr certificates(std::string_view comma_separated) {
  StackPtr stack(sk_X509_new_null());
  for (const auto item : split(comma_separated, ',')) sk_X509_push(stack.get(), certificate(item).release());
  return stack;
}

PkeyPtr private_key(std::string_view hex) {
  auto key = parsed<PkeyPtr>(hex, d2i_AutoPrivateKey);
  if (!key) fail("not a key");
  return key;
}

ExtensionPtr extension(std::string_view hex) {
  auto result = parsed<ExtensionPtr>(hex, d2i_X509_EXTENSION);
  if (!result) fail("not an extension");
  return result;
}

const EVP_MD* digest(std::string_view name) {
  if (name == "-") return nullptr;
  const EVP_MD* md = EVP_get_digestbyname(std::string(name).c_str());
  if (md == nullptr) fail("no such hash");
  return md;
}

TimePtr time_at(std::string_view seconds) {
  return TimePtr(seconds == "-" ? nullptr : ASN1_GENERALIZEDTIME_set(nullptr, number(seconds)));
}

RequestPtr parse_request(std::string_view hex) { return parsed<RequestPtr>(hex, d2i_OCSP_REQUEST); }

ResponsePtr parse_response(std::string_view hex) { return parsed<ResponsePtr>(hex, d2i_OCSP_RESPONSE); }

BasicPtr parse_basic(std::string_view hex) {
  const ResponsePtr response = parse_response(hex);
  return BasicPtr(response ? OCSP_response_get1_basic(response.get()) : nullptr);
}

std::string hex(std::span<const unsigned char> bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const unsigned char octet : bytes) text.append({kDigits[octet >> 4], kDigits[octet & 15]});
  return text;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string list(const std::vector<std::string>& values) {
  std::string text = "[";
  for (const auto& value : values) text.append(text.size() > 1 ? "," : "").append(value);
  return text + "]";
}

std::string object(const std::map<std::string, std::string>& members) {
  std::string text = "{";
  for (const auto& [name, value] : members)
    text.append(text.size() > 1 ? "," : "").append(quoted(name)).append(":").append(value);
  return text + "}";
}

}  // namespace oracle
