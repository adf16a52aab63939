#include "signing_pool.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ocsp {

namespace {

template <typename T>
T load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Years 1 to 9999: what GeneralizedTime can say.
bool is_encodable_time(double seconds) { return seconds >= -62135596800.0 && seconds <= 253402300799.0; }

}  // namespace

bool read_packed_entry(Bytes& bytes, StatusEntry& entry) {
  if (bytes.size() < kEntryHeaderSize) return false;
  const std::uint8_t* header = bytes.data();
  const double this_update = load<double>(header);
  const double next_update = load<double>(header + 8);
  const double revocation_time = load<double>(header + 16);
  const std::size_t serial_length = load<std::uint16_t>(header + 26);
  const std::size_t extensions_length = load<std::uint32_t>(header + 28);
  if (bytes.size() - kEntryHeaderSize < serial_length + extensions_length || serial_length == 0) return false;
  entry.cert_status = header[24];
  entry.revocation_reason = static_cast<std::int8_t>(header[25]);
  if (entry.cert_status > 2 || !is_encodable_time(this_update)) return false;
  entry.this_update = static_cast<std::int64_t>(this_update);
  entry.next_update.reset();
  if (!std::isnan(next_update)) {
    if (!is_encodable_time(next_update)) return false;
    entry.next_update = static_cast<std::int64_t>(next_update);
  }
  if (entry.cert_status == 1) {
    if (!is_encodable_time(revocation_time)) return false;
    entry.revocation_time = static_cast<std::int64_t>(revocation_time);
  }
  entry.serial = bytes.subspan(kEntryHeaderSize, serial_length);
  entry.extensions = bytes.subspan(kEntryHeaderSize + serial_length, extensions_length);
  bytes = bytes.subspan(kEntryHeaderSize + serial_length + extensions_length);
  return true;
}

Result<std::unique_ptr<SigningPool>> SigningPool::create(
    const std::vector<std::shared_ptr<const SignerProfile>>& profiles, std::size_t threads, double verify_rate) {
  std::unique_ptr<SigningPool> pool(new SigningPool(verify_rate));
  for (std::size_t i = 0; i < threads; ++i) {
    Signers signers;
    for (const auto& profile : profiles) {
      auto signer = ResponseSigner::create(profile);
      if (!signer.ok()) return signer.error();
      signers.push_back(std::move(signer.value()));
    }
    pool->signers_.push_back(std::move(signers));
  }
  for (const Signers& signers : pool->signers_) {
    Thread thread;
    if (!thread.start([raw = pool.get(), &signers] { raw->run(signers); })) {
      return Error{ErrorCode::kOpenssl, "the system has no thread to sign on"};
    }
    pool->threads_.push_back(std::move(thread));
  }
  return pool;
}

SigningPool::~SigningPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  wake_.notify_all();
  for (Thread& thread : threads_) thread.join();
}

void SigningPool::submit(SigningBatch batch, Done done) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(batch), std::move(done)});
  }
  wake_.notify_one();
}

void SigningPool::run(const Signers& signers) {
  double verify_credit = 1.0;  // so that the first response is verified
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    SignedBatch result = sign_batch(signers, job.batch, verify_credit);
    if (stopping_) return;
    job.done(std::move(result));
  }
}

namespace {

// An entry that is not valid is found when it is to be signed.
std::size_t count_entries(Bytes bytes) {
  StatusEntry entry;
  std::size_t count = 0;
  while (!bytes.empty() && read_packed_entry(bytes, entry)) ++count;
  return count;
}

}  // namespace

SignedBatch SigningPool::sign_batch(const Signers& signers, const SigningBatch& batch, double& verify_credit) {
  SignedBatch result;
  const std::size_t count = count_entries(batch.entries);
  result.ends.reserve(count * signers.size());
  Bytes rest = batch.entries;
  while (!rest.empty() && !stopping_) {
    StatusEntry entry;
    const std::size_t left = rest.size();
    if (!read_packed_entry(rest, entry)) {
      result.error = Error{ErrorCode::kInvalidValue, "the batch holds an entry that is not valid"};
      return result;
    }
    const std::size_t packed = left - rest.size();
    for (const auto& signer : signers) {
      const auto response = signer->sign(entry, batch.produced_at);
      if (!response.ok()) {
        result.error = response.error();
        return result;
      }
      verify_credit += verify_rate_;
      if (verify_credit >= 1.0) {
        verify_credit -= 1.0;
        const auto verified = signer->verify_last();
        if (!verified.ok() || !verified.value()) {
          result.error = Error{ErrorCode::kOpenssl, "a signature that was just made does not verify"};
          return result;
        }
      }
      if (result.responses.empty()) {
        // What responses have beside their entries is as good as the same for all.
        const std::size_t rest_of_each = response.value().size() - std::min(response.value().size(), packed) + 16;
        result.responses.reserve(signers.size() * (count * rest_of_each + batch.entries.size()));
      }
      result.responses.insert(result.responses.end(), response.value().begin(), response.value().end());
      result.ends.push_back(static_cast<std::uint32_t>(result.responses.size()));
    }
  }
  return result;
}

}  // namespace ocsp
