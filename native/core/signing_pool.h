// Threads that sign batches of status entries. Knows nothing of where the entries come from or go to.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "response_signer.h"
#include "thread.h"

namespace ocsp {

// Entries one after the other, each a fixed part and its serial and extensions. Numbers are in the byte order of the
// machine: batches never leave the process.
//
//   offset  size  content
//   0       8     thisUpdate, IEEE double, seconds since 1970-01-01
//   8       8     nextUpdate; NaN when absent
//   16      8     revocationTime; read when revoked
//   24      1     certStatus
//   25      1     revocationReason, signed; -1 when absent
//   26      2     length of the serial
//   28      4     length of the extensions
//   32            serial (content bytes of the INTEGER), then extensions (SEQUENCE OF Extension element)
inline constexpr std::size_t kEntryHeaderSize = 32;

// Reads the entry at the beginning of `bytes` and moves past it; false when the bytes are not a whole, valid entry.
bool read_packed_entry(Bytes& bytes, StatusEntry& entry);

struct SigningBatch {
  ByteVector entries;
  std::int64_t produced_at = 0;
};

struct SignedBatch {
  ByteVector responses;             // one after the other, those of an entry side by side
  std::vector<std::uint32_t> ends;  // where each response ends
  std::optional<Error> error;       // what comes after the last end could not be signed
};

class SigningPool {
 public:
  using Done = std::function<void(SignedBatch)>;

  // Each entry is signed by every profile in turn. `verify_rate` (0 to 1) is the share of responses whose signature is
  // verified before the batch is handed out; the first response of every thread always is.
  static Result<std::unique_ptr<SigningPool>> create(const std::vector<std::shared_ptr<const SignerProfile>>& profiles,
                                                     std::size_t threads, double verify_rate);
  // Drops what has not been started and waits for what has, a signature at most per thread.
  ~SigningPool();

  // `done` is called on a thread of the pool, in any order among batches.
  void submit(SigningBatch batch, Done done);

 private:
  struct Job {
    SigningBatch batch;
    Done done;
  };

  // The signers of one thread, one for each profile.
  using Signers = std::vector<std::unique_ptr<ResponseSigner>>;

  explicit SigningPool(double verify_rate) : verify_rate_(verify_rate) {}
  void run(const Signers& signers);
  SignedBatch sign_batch(const Signers& signers, const SigningBatch& batch, double& verify_credit);

  const double verify_rate_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::atomic<bool> stopping_ = false;
  std::vector<Signers> signers_;
  std::vector<Thread> threads_;
};

}  // namespace ocsp
