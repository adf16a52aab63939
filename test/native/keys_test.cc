// PKCS#12 files and stored keys: right, truncated, mutated; of PKCS#12 also with every allocation failing in its turn.
// (The file loader of OpenSSL 3.0 itself crashes when it is out of memory.)
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "check.h"
#include "core/pkcs12.h"
#include "core/stored_key.h"
#include "fixtures.h"
#include "mutate.h"
#include "starvation.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

const std::string kPassphrase = "sesame";
Bytes passphrase() { return {reinterpret_cast<const std::uint8_t*>(kPassphrase.data()), kPassphrase.size()}; }

struct StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

ByteVector make_pkcs12(const Identity& identity, const Identity& other) {
  const std::unique_ptr<STACK_OF(X509), StackFree> others(sk_X509_new_null());
  sk_X509_push(others.get(), other.x509.get());
  const std::unique_ptr<PKCS12, OpensslDeleter<PKCS12_free>> file(PKCS12_create(
      kPassphrase.c_str(), nullptr, identity.pkey.get(), identity.x509.get(), others.get(), 0, 0, 2, 2, 0));
  ByteVector der(static_cast<std::size_t>(i2d_PKCS12(file.get(), nullptr)));
  unsigned char* out = der.data();
  i2d_PKCS12(file.get(), &out);
  return der;
}

bool is_right(const Pkcs12& contents, const Identity& identity, const Identity& other) {
  return contents.private_key == pkcs8_of(identity.pkey.get()) && contents.certificate == der_of(identity.x509.get()) &&
         contents.others == std::vector<ByteVector>{der_of(other.x509.get())};
}

template <typename T>
bool refused(const Result<T>& result) {
  return !result.ok() && !result.error().message.empty();
}

void test_pkcs12(const Identity& identity, const Identity& other) {
  const ByteVector file = make_pkcs12(identity, other);
  const auto parsed = parse_pkcs12(file, passphrase());
  check(parsed.ok() && is_right(parsed.value(), identity, other), "a whole file");
  const auto unknown = parse_pkcs12(file, std::nullopt);
  check(!unknown.ok() && unknown.error().code == ErrorCode::kMissingPassphrase, "no passphrase");
  const auto wrong = parse_pkcs12(file, passphrase().first(3));
  check(!wrong.ok() && wrong.error().code == ErrorCode::kMalformed, "a wrong passphrase");
  for (std::size_t length = 0; length < file.size(); ++length) {
    check(refused(parse_pkcs12(Bytes(file).first(length), passphrase())), "truncated");
  }
  // With most seeds some mutant asks for a million rounds of key derivation.
  mutate::Engine engine(4);  // NOLINT(cert-msc32-c,cert-msc51-cpp): meant to be predictable
  for (int i = 0, rounds = repeated(8000); i < rounds; ++i) {
    const ByteVector mutant = i % 2 == 0 ? mutate::octets(file, engine) : mutate::elements(file, engine);
    const auto result = parse_pkcs12(mutant, passphrase());
    // (The MAC covers all but itself and the versions.)
    check(result.ok() ? is_right(result.value(), identity, other) : refused(result), "a mutant");
  }
  starvation::starve(check, "PKCS#12", [&] {
    const auto result = parse_pkcs12(file, passphrase());
    if (!result.ok()) return refused(result);
    const starvation::Fed fed;
    return result.value().private_key == pkcs8_of(identity.pkey.get());
  });
}

void test_stored_key(const Identity& identity) {
  const auto path = std::filesystem::temp_directory_path() / ("openssl-ocsp-key-" + std::to_string(below(1U << 30)));
  const std::string uri = "file:" + path.string();
  const ByteVector pkcs8 = pkcs8_of(identity.pkey.get());
  const auto write = [&](const ByteVector& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  };
  const auto load = [&] { return load_stored_key(uri, std::nullopt); };
  const auto is_right = [&](const auto& loaded) {
    return loaded.ok() && EVP_PKEY_eq(loaded.value()->get(), identity.pkey.get()) == 1;
  };
  write(pkcs8);
  check(is_right(load()), "a whole key");
  for (std::size_t length = 0; length < pkcs8.size(); length += 7) {
    write({pkcs8.begin(), pkcs8.begin() + static_cast<long>(length)});
    check(refused(load()), "a truncated key");
  }
  write(make_pkcs12(identity, identity));
  check(is_right(load_stored_key(uri, passphrase())), "in a PKCS#12 file");
  const auto unknown = load();
  check(!unknown.ok() && unknown.error().code == ErrorCode::kMissingPassphrase, "without its passphrase");
  check(refused(load_stored_key(uri, passphrase().first(2))), "with a wrong passphrase");
  std::filesystem::remove(path);
  check(refused(load()), "no file");
  const auto strange = load_stored_key("no-such-scheme:x?pin-value=98765", std::nullopt);
  check(refused(strange) && strange.error().message.find("98765") == std::string::npos, "no loader");
}

}  // namespace

int main() {
  if (!starvation::install()) {
    std::printf("OpenSSL has allocated already\n");
    return 1;
  }
  const Identity ec = make_identity("P-256");
  const Identity rsa = make_identity("RSA");
  test_pkcs12(ec, rsa);
  test_stored_key(ec);
  return check.finish();
}
