// The oracle: asks libcrypto's OCSP functions, and nothing of this project, what they make of a message. One question
// per line of standard input (a name and arguments, mostly DER in hex; '-' is "none"), one line of JSON per answer.
#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstdio>
#include <iostream>

#include "support.h"

int main() {
  using namespace oracle;
  std::ios::sync_with_stdio(false);
  Questions questions;
  add_reading(questions);
  add_building(questions);
  add_judging(questions);
  questions["version"] = [](const Arguments&) { return quoted(OpenSSL_version(OPENSSL_VERSION)); };

  std::string line;
  while (std::getline(std::cin, line)) {
    Arguments arguments = split(line, ' ');
    if (arguments.empty()) fail("an empty question");
    const auto question = questions.find(arguments.front());
    if (question == questions.end()) fail("no such question: " + line.substr(0, 40));
    arguments.erase(arguments.begin());
    ERR_clear_error();
    std::cout << question->second(arguments) << '\n';
  }
  return std::cout.flush() ? 0 : 1;
}
