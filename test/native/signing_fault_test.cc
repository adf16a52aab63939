// Signatures that do not verify, as a faulty processor or a damaged key makes them: what is wrong is not handed out.
#include <openssl/err.h>

#include <cmath>
#include <condition_variable>
#include <cstring>

#include "check.h"
#include "core/signing_pool.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

void append_entry(ByteVector& packed, std::uint8_t serial) {
  const double times[3] = {1.7e9, std::nan(""), 0};
  std::uint8_t header[kEntryHeaderSize] = {};
  std::memcpy(header, times, sizeof times);
  header[25] = 0xff;
  const std::uint16_t serial_length = 1;
  std::memcpy(header + 26, &serial_length, 2);
  packed.insert(packed.end(), header, header + sizeof header);
  packed.push_back(serial);
}

// A pool with one thread, whose signatures become wrong between two batches: the certificate that they are verified
// with is exchanged, which to the pool looks the same as a key that changes.
class FaultyPool {
 public:
  FaultyPool(const std::string& type, double verify_rate) : profile_(std::make_shared<SignerProfile>()) {
    const Identity identity = make_identity(type);
    profile_->key = identity.key;
    profile_->responder = identity.certificate;
    profile_->scheme = {type == "ED25519" ? "" : "SHA256", false, -1};
    profile_->issuer_name_hash = random_bytes(20);
    profile_->issuer_key_hash = random_bytes(20);
    auto pool = SigningPool::create({profile_}, 1, verify_rate);
    if (check(pool.ok(), "a pool for " + type)) pool_ = std::move(pool.value());
    wrong_ = make_identity(type).certificate;
  }

  void break_signatures() { profile_->responder = wrong_; }

  SignedBatch sign(int entries) {
    SigningBatch batch;
    for (int i = 0; i < entries; ++i) append_entry(batch.entries, static_cast<std::uint8_t>(i + 1));
    batch.produced_at = 1'700'000'000;
    std::mutex mutex;
    std::condition_variable done;
    bool finished = false;
    SignedBatch result;
    pool_->submit(std::move(batch), [&](SignedBatch signed_batch) {
      const std::lock_guard lock(mutex);
      result = std::move(signed_batch);
      finished = true;
      done.notify_one();
    });
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return finished; });
    return result;
  }

 private:
  std::shared_ptr<SignerProfile> profile_;
  std::shared_ptr<const Certificate> wrong_;
  std::unique_ptr<SigningPool> pool_;
};

bool says_so(const SignedBatch& result) {
  return result.error && result.error->message.find("does not verify") != std::string::npos;
}

void test_fault(const std::string& type) {
  // A quarter is verified: of 4 k + 1 responses the last, so of the next batch the third.
  for (int before = 1; before <= 9; before += 4) {
    FaultyPool pool(type, 0.25);
    const SignedBatch good = pool.sign(before);
    check(!good.error && good.ends.size() == static_cast<std::size_t>(before), "nothing wrong yet: " + type);
    pool.break_signatures();
    const SignedBatch result = pool.sign(10);
    check(says_so(result), "a wrong signature is found: " + type);
    check(result.ends.size() == 2, "and so is whose it is");
    check(result.ends.size() == 2 && result.responses.size() == result.ends.back(), "and it is not handed out");
  }
  FaultyPool first(type, 0);
  first.break_signatures();
  const SignedBatch result = first.sign(10);
  check(says_so(result) && result.ends.empty() && result.responses.empty(), "the first of a thread is always verified");
  check(!first.sign(10).error, "the others as often as was asked for");
  FaultyPool every(type, 1);
  check(!every.sign(10).error, "nothing wrong yet");
  every.break_signatures();
  for (int i = 0; i < 3; ++i) check(says_so(every.sign(10)), "each batch is refused");
}

}  // namespace

int main() {
  for (const char* type : {"P-256", "RSA", "ED25519"}) test_fault(type);
  check(ERR_peek_error() == 0, "the error queue is empty");
  return check.finish();
}
