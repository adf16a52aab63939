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
  check(ERR_peek_error() == 0, "the error queue is empty");
  return check.finish();
}
