// Tens of thousands of almost-messages: acceptance and values against OpenSSL's (see oracle.h).
#include <openssl/err.h>

#include "check.h"
#include "core/response_parser.h"
#include "fixtures.h"
#include "mutate.h"
#include "oracle.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

std::string hex(Bytes bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : bytes) text.append({kDigits[octet >> 4], kDigits[octet & 15]});
  return text;
}

}  // namespace

int main() {
  const int rounds = fixtures::repeated(120);
  for (const Message& message : corpus()) {
    mutate::Elements elements(message.bytes);
    for (int round = 0; round < rounds; ++round) {
      const ByteVector mutant =
          round % 4 == 0 ? mutate::octets(message.bytes, fixtures::random()) : elements.mutant(fixtures::random());
      for (const std::string& difference : {oracle::judge_request(mutant), oracle::judge_response(mutant)}) {
        check(difference.empty(), difference.empty() ? "" : difference + ": " + message.name + ": " + hex(mutant));
      }
    }
  }
  check(ERR_peek_error() == 0, "the error queue is empty");
  return check.finish();
}
