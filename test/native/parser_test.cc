// What the core reads of the test vectors, cut off and changed, against OpenSSL's own parser and getters.
#include <openssl/err.h>

#include "check.h"
#include "core/lenient.h"
#include "core/response_parser.h"
#include "fixtures.h"
#include "oracle.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

void judge_request(Bytes message, const std::string& name) {
  // A copy of exactly this size, so that the sanitizer sees one byte read too many.
  const std::string verdict = oracle::judge_request(ByteVector(message.begin(), message.end()));
  check(verdict.empty(), name + ", as a request: " + verdict);
}

void judge_response(Bytes message, const std::string& name) {
  const std::string verdict = oracle::judge_response(ByteVector(message.begin(), message.end()));
  check(verdict.empty(), name + ", as a response: " + verdict);
}

template <typename Layout>
bool accepts(bool (*parse)(DerContext&, Bytes, Layout&), Bytes message) {
  DerContext context{message.data(), false, {}};
  Layout layout;
  return parse(context, message, layout);
}

bool strictly_accepted(Bytes message) { return accepts(parse_request, message) || accepts(parse_response, message); }

// As what the message is that `changed` was made of.
void judge(const Message& message, Bytes changed, const std::string& how) {
  const bool request = accepts(parse_request, message.bytes);
  (request ? judge_request : judge_response)(changed, message.name + how);
}

// DER says how long it is: no beginning of a message is a message.
void test_cut_off(const Message& message) {
  const std::size_t step = message.bytes.size() > 2000 ? 5 : 1;
  for (std::size_t length = 0; length < message.bytes.size(); length += step) {
    const ByteVector cut(message.bytes.begin(), message.bytes.begin() + static_cast<std::ptrdiff_t>(length));
    check(!strictly_accepted(cut), message.name + ": cut off and accepted");
    if (length % 64 < step) judge(message, cut, " cut off");
  }
  ByteVector longer = message.bytes;
  longer.push_back(0);
  check(!strictly_accepted(longer), message.name + ": accepted with a byte left over");
  judge(message, longer, " with a byte left over");
}

// Every byte of a message, changed to values that matter to DER.
void test_single_octets(const Message& message) {
  ByteVector mutant = message.bytes;
  const std::size_t step = 1 + mutant.size() / 60;
  for (std::size_t at = 0; at < mutant.size(); at += step) {
    const std::uint8_t original = mutant[at];
    for (const int value : {0x00, 0x30, 0x80, 0xff, original ^ 0x20, original + 1}) {
      mutant[at] = static_cast<std::uint8_t>(value);
      if (mutant[at] == original) continue;
      judge(message, mutant, " with byte " + std::to_string(at) + " changed");
    }
    mutant[at] = original;
  }
}

// The readers must not recurse on what the sender chose.
void test_nesting() {
  for (const std::uint8_t tag : {std::uint8_t{0x30}, std::uint8_t{0xa0}, std::uint8_t{0x24}}) {
    ByteVector nested;
    for (int i = 0; i < 100000; ++i) nested.insert(nested.end(), {tag, 0x80});
    for (const bool lenient : {false, true}) {
      DerContext context{nested.data(), lenient, {}};
      ResponseLayout response;
      RequestLayout request;
      check(!parse_response(context, nested, response) && !parse_request(context, nested, request), "nested");
      DerReader reader(context, nested);
      Bytes element;
      check(!reader.read_any(element, "element"), "nested without end");
      nested.insert(nested.end(), lenient ? 200000 : 0, 0);
      DerReader ended(context, nested);
      context.base = nested.data();
      check(ended.read_any(element, "element") == lenient, "nested with all its ends");
    }
    check(!normalize_response(nested).ok() && !normalize_request(nested).ok(), "nested, by OpenSSL");
  }
}

ByteVector element(std::uint8_t tag, const ByteVector& content) {
  ByteVector out = {tag, static_cast<std::uint8_t>(content.size())};
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

ByteVector joined(ByteVector first, const ByteVector& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// A request of one certificate whose requestorName is this.
ByteVector request_named(const ByteVector& general_name) {
  const ByteVector sha1 = {0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00};
  const ByteVector hash = element(0x04, ByteVector(20, 0x11));
  const ByteVector cert_id = element(0x30, joined(joined(joined(sha1, hash), hash), {0x02, 0x01, 0x05}));
  const ByteVector list = element(0x30, element(0x30, cert_id));
  return element(0x30, element(0x30, joined(element(0xa1, general_name), list)));
}

ByteVector directory_name(std::uint8_t tag, const ByteVector& text) {
  const ByteVector common_name = {0x06, 0x03, 0x55, 0x04, 0x03};
  const ByteVector attribute = element(0x30, joined(common_name, element(tag, text)));
  return element(0xa4, element(0x30, element(0x31, attribute)));
}

void test_requestor_names() {
  constexpr std::uint8_t kBmp = 0x1e;
  constexpr std::uint8_t kUniversal = 0x1c;
  const struct {
    ByteVector name;
    bool accepted;
    const char* what;
  } cases[] = {
      {directory_name(0x13, {'a', ' ', '?'}), true, "PrintableString"},
      {directory_name(0x13, {'a', '\n'}), false, "PrintableString with a line feed"},
      {directory_name(0x0c, {'a'}), true, "UTF8String"},
      {directory_name(kBmp, {0, 'a', 0xd8, 0x3d, 0xde, 0x00}), true, "BMPString with a surrogate pair"},
      {directory_name(kBmp, {0, 'a', 0}), false, "BMPString of odd length"},
      {directory_name(kBmp, {0xd8, 0x3d}), false, "BMPString that ends within a pair"},
      {directory_name(kBmp, {0xd8, 0x3d, 0, 'a'}), false, "BMPString with half a pair"},
      {directory_name(kBmp, {0xde, 0x00, 0, 'a'}), false, "BMPString with the second half of a pair"},
      {directory_name(kUniversal, {0, 0, 0, 'a', 0, 0x10, 0xff, 0xff}), true, "UniversalString"},
      {directory_name(kUniversal, {0, 0, 0}), false, "UniversalString of three bytes"},
      {directory_name(kUniversal, {0, 0x11, 0, 0}), false, "UniversalString beyond Unicode"},
      {directory_name(kUniversal, {0, 0, 0xd8, 0}), false, "UniversalString with a surrogate"},
      {element(0xa0, {0x06, 0x01, 0x2a, 0xa0, 0x02, 0x05, 0x00}), true, "otherName"},
      {element(0xa0, {0x06, 0x01, 0x2a, 0xa0, 0x02, 0x05, 0x00, 0x05, 0x00}), false, "otherName and more"},
      {element(0xa0, {0x06, 0x01, 0x2a, 0xa0, 0x04, 0x05, 0x00, 0x05, 0x00}), false, "otherName of two values"},
      {element(0xa0, {0x06, 0x01, 0x2a, 0xa1, 0x02, 0x05, 0x00}), false, "otherName with another tag"},
      {element(0xa0, {0x05, 0x00}), false, "otherName without a type"},
      {element(0x86, {'u', ':'}), true, "uniformResourceIdentifier"},
      {element(0x89, {'u', ':'}), false, "no GeneralName"},
  };
  for (const auto& [name, accepted, what] : cases) {
    const ByteVector request = request_named(name);
    check(accepts(parse_request, request) == accepted, what);
    judge_request(request, what);
  }
}

}  // namespace

int main() {
  int messages = 0;
  for (const Message& message : corpus()) {
    judge_request(message.bytes, message.name);
    judge_response(message.bytes, message.name);
    if (!strictly_accepted(message.bytes)) continue;
    ++messages;
    test_cut_off(message);
    // The lists of cases are many small variations of one message.
    if (message.name != "cases.json" || messages % 10 == 0) test_single_octets(message);
  }
  check(messages > 150, "the test vectors are there: " + std::to_string(messages));
  test_nesting();
  test_requestor_names();
  check(ERR_peek_error() == 0, "the error queue is empty");
  return check.finish();
}
