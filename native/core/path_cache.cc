#include "path_cache.h"

#include <utility>

namespace ocsp {

std::optional<std::int64_t> PathCache::find(const std::shared_ptr<SignerCertificate>& target,
                                            const std::shared_ptr<SignerCertificate>& issuer, std::int64_t at) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find({target.get(), issuer.get()});
  if (found == entries_.end()) return std::nullopt;
  const auto& [path, end] = found->second;
  const bool holds = at >= path.from && at < path.until && std::chrono::steady_clock::now() < end;
  return holds ? std::optional(path.until) : std::nullopt;
}

void PathCache::put(Path path) {
  // The entry keeps its certificates, so that no other can take their addresses.
  const Key key{path.target.get(), path.issuer.get()};
  const auto end = std::chrono::steady_clock::now() + lifetime_;
  const std::lock_guard lock(mutex_);
  if (!entries_.insert_or_assign(key, Entry{std::move(path), end}).second) return;
  order_.push_back(key);
  if (order_.size() > capacity_) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

std::size_t PathCache::size() {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace ocsp
