#include "raw_signing_rate.h"

#include <array>
#include <atomic>
#include <chrono>

#include "error_queue.h"
#include "thread.h"

namespace ocsp {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kUsualSize = 183;

// Signs until the time is over, at least once: a thread may get no processor before. Returns the number of signatures,
// 0 when one failed.
std::uint64_t sign_until(Clock::time_point end, EVP_MD_CTX* prepared, std::size_t signature_size) {
  ErrorQueueScope errors;
  const std::array<std::uint8_t, kUsualSize> data = {0x30};
  ByteVector signature(signature_size);
  const EvpMdCtxPtr copy(EVP_MD_CTX_new());
  std::uint64_t count = 0;
  do {
    std::size_t length = signature.size();
    if (!copy || EVP_MD_CTX_copy_ex(copy.get(), prepared) != 1 ||
        EVP_DigestSign(copy.get(), signature.data(), &length, data.data(), data.size()) != 1) {
      return 0;
    }
    ++count;
  } while (Clock::now() < end);
  return count;
}

}  // namespace

Result<double> raw_signing_rate(const SignerProfile& profile, std::size_t threads, std::int64_t milliseconds) {
  const auto size = max_signature_size(profile.key->get());
  if (!size.ok()) return size.error();
  std::vector<PreparedSignature> prepared;
  prepared.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    auto context = prepare_signature(profile.key->get(), profile.scheme, SignatureDirection::kSign);
    if (!context.ok()) return context.error();
    prepared.push_back(std::move(context.value()));
  }
  std::atomic<std::uint64_t> count = 0;
  std::atomic<bool> failed = false;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::milliseconds(milliseconds);
  std::vector<Thread> running(prepared.size());
  for (std::size_t i = 0; i < running.size(); ++i) {
    const bool started = running[i].start([&, context = prepared[i].context.get()] {
      const std::uint64_t made = sign_until(end, context, size.value());
      count += made;
      if (made == 0) failed = true;
    });
    if (!started) failed = true;
  }
  for (Thread& thread : running) thread.join();
  if (failed) return Error{ErrorCode::kOpenssl, "signing failed"};
  return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace ocsp
