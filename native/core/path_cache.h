// Paths that were found valid, bounded in number and in time.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "signer_certificate.h"

namespace ocsp {

// How long a path that was found good stays so: [from, until), in seconds since 1970-01-01.
struct Path {
  std::shared_ptr<SignerCertificate> target;
  std::shared_ptr<SignerCertificate> issuer;
  std::int64_t from = INT64_MIN;
  std::int64_t until = INT64_MAX;
};

// May be shared by threads.
class PathCache {
 public:
  PathCache(std::size_t capacity, std::chrono::seconds lifetime) : capacity_(capacity), lifetime_(lifetime) {}

  // The end of the path; nothing where it is not known to be valid at that moment.
  std::optional<std::int64_t> find(const std::shared_ptr<SignerCertificate>& target,
                                   const std::shared_ptr<SignerCertificate>& issuer, std::int64_t at);
  void put(Path path);
  std::size_t size();

 private:
  struct Entry {
    Path path;
    std::chrono::steady_clock::time_point end;
  };
  using Key = std::pair<const SignerCertificate*, const SignerCertificate*>;

  const std::size_t capacity_;
  const std::chrono::seconds lifetime_;
  std::mutex mutex_;  // guards what follows
  std::map<Key, Entry> entries_;
  std::deque<Key> order_;  // oldest first
};

}  // namespace ocsp
