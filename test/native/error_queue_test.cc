// The error queue belongs to the thread, and so to whoever pushed there: every entry of the core leaves it as found.
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <functional>

#include "check.h"
#include "core/digest.h"
#include "core/error_queue.h"
#include "core/lenient.h"
#include "core/response_signer.h"
#include "core/revocation_list.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

struct Operation {
  const char* name;
  std::function<bool()> run;  // whether it went as it should
};

template <typename T>
bool refused(const Result<T>& result) {
  return !result.ok() && !result.error().message.empty();
}

// A certificate of an EC key whose algorithm no one knows.
ByteVector with_unknown_key(ByteVector certificate) {
  constexpr std::array<std::uint8_t, 7> kEcPublicKey = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
  const auto found = std::search(certificate.begin(), certificate.end(), kEcPublicKey.begin(), kEcPublicKey.end());
  check(found != certificate.end(), "an EC key");
  found[kEcPublicKey.size() - 1] = 0x7f;
  return certificate;
}

std::vector<Operation> operations() {
  static const Identity ec = make_identity("P-256");
  static const Identity rsa = make_identity("RSA");
  static const Identity ed = make_identity("ED25519");
  static const EvpPkeyPtr x25519 = make_key("X25519");
  static const ByteVector junk = {0x30, 0x03, 0x02, 0x01, 0x00};
  static const ByteVector certificate = der_of(ec.x509.get());
  static const ByteVector pkcs8 = pkcs8_of(ec.pkey.get());
  static const ByteVector response = read_file("test/vectors/reference/x509/ocsp/resp-sha256.der");
  static const ByteVector request = read_file("test/vectors/reference/x509/ocsp/req-sha1.der");
  const SignatureScheme sha256{"SHA256", false, -1};
  const auto profile = [&](const Identity& key, const Identity& responder) {
    auto made = std::make_shared<SignerProfile>();
    made->key = key.key;
    made->responder = responder.certificate;
    made->scheme = {"SHA256", false, -1};
    made->issuer_name_hash = random_bytes(20);
    made->issuer_key_hash = random_bytes(20);
    return made;
  };
  return {
      {"a certificate", [] { return Certificate::parse(certificate).ok(); }},
      {"no certificate", [] { return refused(Certificate::parse(junk)); }},
      {"an empty certificate", [] { return refused(Certificate::parse({})); }},
      {"a certificate of an unknown key",
       [] {
         const auto parsed = Certificate::parse(with_unknown_key(certificate));
         return parsed.ok() && *parsed.value()->public_key_type() == '\0';
       }},
      {"a revocation list of no one",
       [] {
         return refused(RevocationList::parse({0x30, 14, 0x30, 7, 0x30, 0, 0x30, 3, 0x02, 1, 0, 0x30, 0, 0x03, 1, 0}));
       }},
      {"a key", [] { return PrivateKey::parse(pkcs8).ok(); }},
      {"no key", [] { return refused(PrivateKey::parse(junk)); }},
      {"an empty key", [] { return refused(PrivateKey::parse({})); }},
      {"a request", [] { return normalize_request(request).ok(); }},
      {"no request", [] { return refused(normalize_request(junk)); }},
      {"a response", [] { return normalize_response(response).ok(); }},
      {"no response", [] { return refused(normalize_response(junk)); }},
      {"a response without its body",
       [] {
         return refused(normalize_response(ByteVector{0x30, 3, 0x0a, 1, 0}));
       }},
      {"a digest", [] { return digest("SHA256", junk).ok(); }},
      {"an unknown digest", [] { return refused(digest("NO-SUCH-HASH", junk)); }},
      {"a signature", [=] { return ec.key->sign(sha256, junk).ok(); }},
      {"a signature with an unknown hash",
       [] {
         return refused(ec.key->sign({"NO-SUCH-HASH", false, -1}, junk));
       }},
      {"PSS by an EC key",
       [] {
         return refused(ec.key->sign({"SHA256", true, -1}, junk));
       }},
      {"too long a salt",
       [] {
         return refused(rsa.key->sign({"SHA256", true, 5000}, junk));
       }},
      {"a hash for Ed25519", [=] { return refused(ed.key->sign(sha256, junk)); }},
      {"a signature by X25519",
       [=] { return refused(PrivateKey::parse(pkcs8_of(x25519.get())).value()->sign(sha256, junk)); }},
      {"a signature that is none",
       [=] {
         const auto verified = verify_signature(ec.pkey.get(), sha256, junk, junk);
         return verified.ok() && !verified.value();
       }},
      {"another's certificate", [] { return !ec.key->belongs_to(rsa.certificate); }},
      {"its own certificate", [] { return ec.key->belongs_to(ec.certificate); }},
      {"a signer", [=] { return ResponseSigner::create(profile(ec, ec)).ok(); }},
      {"a signer with another's certificate", [=] { return refused(ResponseSigner::create(profile(ec, rsa))); }},
      {"a signer with a hash for Ed25519", [=] { return refused(ResponseSigner::create(profile(ed, ed))); }},
  };
}

// What the queue holds, oldest first; empties it.
std::vector<std::string> drain() {
  std::vector<std::string> entries;
  const char *file = nullptr, *data = nullptr;
  int line = 0, flags = 0;
  while (const unsigned long code = ERR_get_error_all(&file, &line, nullptr, &data, &flags)) {
    entries.push_back(std::to_string(code) + " " + std::to_string(line) + " " + data);
  }
  return entries;
}

void push(int count) {
  for (int i = 0; i < count; ++i) ERR_raise_data(ERR_LIB_USER, 100 + i, "entry %d", i);
}

void test_entries(int count) {
  for (const Operation& operation : operations()) {
    ERR_clear_error();
    push(count);
    const std::vector<std::string> expected = drain();
    push(count);
    check(operation.run(), std::string(operation.name) + ": outcome");
    check(drain() == expected, std::string(operation.name) + ": queue of " + std::to_string(count));
    // The mark of somebody who is in the middle of something.
    push(count);
    if (count > 0) ERR_set_mark();
    check(operation.run(), std::string(operation.name) + ": outcome inside a mark");
    if (count > 0) check(ERR_pop_to_mark() == 1, std::string(operation.name) + ": the mark is still there");
    check(drain() == expected, std::string(operation.name) + ": queue with a mark");
  }
}

// No one's failure is explained by what somebody else left behind.
void test_blame() {
  ERR_clear_error();
  ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
  {
    ErrorQueueScope scope;
    const Error silent = scope.take(ErrorCode::kOpenssl, "failed");
    check(silent.message == "failed" && silent.library.empty() && silent.reason.empty(), "a failure without an entry");
  }
  {
    ErrorQueueScope scope;
    ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
    const Error spoken = scope.take(ErrorCode::kOpenssl, "failed");
    check(spoken.reason == "bad decrypt", "a failure with the same entry as is there: " + spoken.message);
  }
  {
    ErrorQueueScope outer;
    {
      ErrorQueueScope inner;
      ERR_raise(ERR_LIB_EVP, EVP_R_INVALID_KEY);
      check(inner.take(ErrorCode::kOpenssl, "failed").reason == "invalid key", "a scope inside another");
    }
    check(outer.take(ErrorCode::kOpenssl, "failed").reason.empty(), "the scope around it");
  }
  check(drain().size() == 1, "what was there is there");
  {
    ErrorQueueScope scope;
    ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
    ERR_raise(ERR_LIB_EVP, EVP_R_INVALID_KEY);
    const Error error = scope.take(ErrorCode::kOpenssl, "failed");
    check(error.reason == "bad decrypt" && error.stack.size() == 1, "the oldest names the error");
    ErrorQueueScope inner;
    check(inner.take(ErrorCode::kOpenssl, "failed").reason.empty(), "taken once");
  }
  check(drain().empty(), "nothing is left");
}

}  // namespace

int main() {
  for (const int count : {0, 1, 2, 8}) test_entries(count);
  test_blame();
  return check.finish();
}
