// Keys, contexts and threads.
#include <openssl/err.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <thread>

#include "check.h"
#include "core/digest.h"
#include "core/openssl_info.h"
#include "core/raw_signing_rate.h"
#include "core/response_data_signer.h"
#include "core/signing_pool.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

const char* kKeyTypes[] = {"P-256", "RSA", "RSA-PSS", "DSA", "ED25519", "ED448"};

SignatureScheme scheme_for(const std::string& type) {
  return {type.rfind("ED", 0) == 0 ? "" : "SHA256", type == "RSA-PSS", -1};
}

// One key, many threads, every signature checked.
void test_threads(const std::string& type) {
  const Identity identity = make_identity(type);
  const ByteVector data = random_bytes(200);
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const auto signature = identity.key->sign(scheme_for(type), data);
        if (!signature.ok() || !identity.key->belongs_to(identity.certificate)) return;
        const auto verified = verify_signature(identity.pkey.get(), scheme_for(type), data, signature.value().value);
        if (verified.ok() && verified.value()) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  check(good == 160, "every signature of 8 threads verifies: " + type);
}

void test_refusals() {
  const Identity ec = make_identity("P-256");
  const Identity other = make_identity("P-256");
  check(!ec.key->belongs_to(other.certificate), "a key does not belong to another's certificate");
  check(ec.key->belongs_to(ec.certificate), "and does to its own");
  const auto wrong = verify_signature(ec.pkey.get(), {"SHA256", false, -1}, random_bytes(10), random_bytes(70));
  check(wrong.ok() && !wrong.value(), "junk is no signature");
  const auto no_hash = ec.key->sign({"NO-SUCH-HASH", false, -1}, random_bytes(10));
  check(!no_hash.ok() && no_hash.error().code == ErrorCode::kUnsupportedAlgorithm, "an unknown hash");
  const auto pss = ec.key->sign({"SHA256", true, -1}, random_bytes(10));
  check(!pss.ok() && !pss.error().message.empty(), "PSS with an EC key");
  const auto parsed = PrivateKey::parse(pkcs8_of(make_key("X25519").get()));
  check(parsed.ok(), "an X25519 key is a key");
  if (parsed.ok()) {
    const auto signature = parsed.value()->sign({"SHA256", false, -1}, random_bytes(10));
    check(!signature.ok() && !signature.error().message.empty(), "that cannot sign, and says so");
  }
  // More salt lengths than there are templates.
  const Identity rsa = make_identity("RSA");
  for (int salt = 0; salt < 40; ++salt) {
    const SignatureScheme scheme{"SHA256", true, salt};
    const ByteVector data = random_bytes(50);
    const auto signature = rsa.key->sign(scheme, data);
    const bool good = signature.ok() && verify_signature(rsa.pkey.get(), scheme, data, signature.value().value).value();
    check(good, "PSS with a salt of " + std::to_string(salt));
  }
  check(!digest("NO-SUCH-HASH", {}).ok(), "an unknown digest");
  check(openssl_major_matches() && !openssl_info().source.empty(), "OpenSSL is known");
}

std::shared_ptr<SignerProfile> profile_of(const Identity& identity, const std::string& type) {
  auto profile = std::make_shared<SignerProfile>();
  profile->key = identity.key;
  profile->responder = identity.certificate;
  profile->scheme = scheme_for(type);
  profile->issuer_name_hash = random_bytes(20);
  profile->issuer_key_hash = random_bytes(20);
  return profile;
}

void append_entry(ByteVector& packed, const ByteVector& serial, std::uint8_t status = 0) {
  const double times[3] = {1.7e9, std::nan(""), 1.6e9};
  const std::uint16_t serial_length = static_cast<std::uint16_t>(serial.size());
  const std::uint32_t extensions_length = 0;
  std::uint8_t header[kEntryHeaderSize] = {};
  std::memcpy(header, times, sizeof times);
  header[24] = status;
  header[25] = 0xff;
  std::memcpy(header + 26, &serial_length, 2);
  std::memcpy(header + 28, &extensions_length, 4);
  packed.insert(packed.end(), header, header + sizeof header);
  packed.insert(packed.end(), serial.begin(), serial.end());
}

void test_packed_entries() {
  ByteVector packed;
  append_entry(packed, random_serial(20), 1);
  for (std::size_t length = 0; length < packed.size(); ++length) {
    const ByteVector cut(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(length));
    Bytes bytes = cut;
    StatusEntry entry;
    check(!read_packed_entry(bytes, entry), "a packed entry that is cut off");
  }
  packed[24] = 3;
  Bytes bytes = packed;
  StatusEntry entry;
  check(!read_packed_entry(bytes, entry), "a packed entry with an unknown status");
}

// A signer that goes through a list writes what one writes that sees the entry alone. (writer_test compares that one
// with OpenSSL.)
void test_neighbours(const std::string& type) {
  const auto profile = profile_of(make_identity(type), type);
  auto list = ResponseSigner::create(profile);
  if (!check(list.ok(), "a signer for " + type)) return;
  const ByteVector extensions = {0x30, 0x0e, 0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d,
                                 0x15, 0x04, 0x05, 0x30, 0x03, 0x0a, 0x01, 0x04};
  bool equal = true;
  for (int i = 0; i < 400; ++i) {
    const ByteVector serial = random_serial(below(8) == 0 ? 9 : 8);
    StatusEntry entry;
    entry.serial = serial;
    entry.cert_status = below(4) == 0 ? static_cast<int>(below(3)) : 0;
    entry.this_update = 1'700'000'000 + static_cast<std::int64_t>(below(8) == 0);
    if (below(6) != 0) entry.next_update = 1'700'600'000 + static_cast<std::int64_t>(below(8) == 0);
    entry.revocation_time = 1'600'000'000 + static_cast<std::int64_t>(below(2));
    if (below(2) == 0) entry.revocation_reason = 1;
    if (below(10) == 0) entry.extensions = extensions;
    const std::int64_t produced_at = 1'700'000'100 + static_cast<std::int64_t>(below(8) == 0);
    const auto ours = list.value()->sign(entry, produced_at);
    auto fresh = ResponseSigner::create(profile);
    const auto theirs = fresh.value()->sign(entry, produced_at);
    equal = equal && ours.ok() && theirs.ok() && std::ranges::equal(ours.value(), theirs.value());
  }
  check(equal, "the responses of a list are those of single signers: " + type);
}

// A signer that is used again and again, beside others of its key.
void test_response_data(const std::string& type) {
  const Identity identity = make_identity(type);
  const SignatureScheme scheme = scheme_for(type);
  const ByteVector name_hash = random_bytes(20);
  const ByteVector responder_id = digest("SHA1", identity.certificate->public_key_bits()).value();
  ResponseDataFields fields;
  fields.responder_id_tag = 2;
  fields.responder_id = responder_id;
  fields.responses.resize(1);
  SingleResponseFields& single = fields.responses[0];
  single.cert_id.issuer_name_hash = name_hash;
  single.cert_id.issuer_key_hash = name_hash;
  const auto signs = [&](ResponseDataSigner& signer) {
    const ByteVector serial = random_serial(1 + below(30));
    single.cert_id.serial = serial;
    const auto response = signer.sign(fields);
    return response.ok() && is_signed_by(response.value(), identity.x509.get());
  };
  auto first = ResponseDataSigner::create(identity.key, identity.certificate, scheme, {});
  auto second = ResponseDataSigner::create(identity.key, identity.certificate, scheme, {identity.certificate});
  if (!check(first.ok() && second.ok(), "signers of ResponseData: " + type)) return;
  bool good = true;
  for (int i = 0; i < 20; ++i) good = good && signs(*first.value()) && signs(*second.value());
  first.value().reset();
  check(good && signs(*second.value()), "every response verifies: " + type);

  const auto other = ResponseDataSigner::create(identity.key, make_identity(type).certificate, scheme, {});
  check(!other.ok() && other.error().code == ErrorCode::kKeyMismatch, "the certificate of another key: " + type);
  auto unknown = ResponseDataSigner::create(identity.key, identity.certificate, {"NO-SUCH-HASH", false, -1}, {});
  for (int i = 0; i < 2; ++i) {
    const auto response = unknown.value()->sign(fields);
    check(!response.ok() && response.error().code == ErrorCode::kUnsupportedAlgorithm, "an unknown hash: " + type);
  }
}

// Batches come back whole, and a pool that is destroyed in the middle neither hangs nor calls back afterwards.
void test_pool(const std::string& type) {
  const Identity identity = make_identity(type);
  auto pool = SigningPool::create({profile_of(identity, type), profile_of(identity, type)}, 3, 1.0);
  if (!check(pool.ok(), "a pool for " + type)) return;
  std::mutex mutex;
  std::condition_variable done;
  int finished = 0;
  std::size_t responses = 0;
  for (int i = 0; i < 12; ++i) {
    SigningBatch batch;
    for (int j = 0; j < 5; ++j) append_entry(batch.entries, random_serial(1 + below(20)));
    batch.produced_at = 1'700'000'000;
    pool.value()->submit(std::move(batch), [&](const SignedBatch& result) {
      const std::lock_guard lock(mutex);
      if (!result.error) responses += result.ends.size();
      ++finished;
      done.notify_one();
    });
  }
  {
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return finished == 12; });
  }
  check(responses == 120, "all batches are signed by all profiles: " + type);
  SigningBatch bad;
  bad.entries = random_bytes(10);
  pool.value()->submit(std::move(bad), [&](const SignedBatch& result) {
    const std::lock_guard lock(mutex);
    if (result.error) ++finished;
    done.notify_one();
  });
  {
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return finished == 13; });
  }
  for (int i = 0; i < 20; ++i) {
    SigningBatch batch;
    for (int j = 0; j < 50; ++j) append_entry(batch.entries, random_serial(8));
    pool.value()->submit(std::move(batch), [](const SignedBatch&) {});
  }
  pool.value().reset();
  check(true, "a busy pool ends");
  auto mismatched = profile_of(identity, type);
  mismatched->responder = make_identity(type).certificate;
  const auto refused = SigningPool::create({mismatched}, 1, 0);
  check(!refused.ok() && refused.error().code == ErrorCode::kKeyMismatch, "a pool with the wrong certificate: " + type);
}

void test_rate(const std::string& type) {
  const Identity identity = make_identity(type);
  for (const std::size_t threads : {1, 8}) {
    const auto rate = raw_signing_rate(*profile_of(identity, type), threads, 5);
    check(rate.ok() && rate.value() > 0, "a key signs: " + type);
  }
  auto wrong = profile_of(identity, type);
  wrong->scheme.hash = "NO-SUCH-HASH";
  check(!raw_signing_rate(*wrong, 1, 5).ok(), "no signatures with an unknown hash: " + type);
}

}  // namespace

int main() {
  for (const char* type : kKeyTypes) test_threads(type);
  for (const char* type : kKeyTypes) test_response_data(type);
  test_refusals();
  test_packed_entries();
  for (const char* type : {"RSA", "ED25519"}) test_neighbours(type);
  for (const char* type : {"P-256", "ED25519", "RSA-PSS"}) test_pool(type);
  for (const char* type : {"P-256", "ED25519"}) test_rate(type);
  check(ERR_peek_error() == 0, "the error queue is empty");
  return check.finish();
}
