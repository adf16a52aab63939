// The latest used of some objects, by the bytes that they were made of. Bounded in number and in octets, so that no one
// fills memory with them.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "bytes.h"

namespace ocsp {

// May be shared by threads. `T::bytes()` are the bytes that an object was made of, and its own.
template <typename T>
class RecentCache {
 public:
  RecentCache(std::size_t max_entries, std::size_t max_octets) : max_entries_(max_entries), max_octets_(max_octets) {}

  // nullptr where there is none.
  std::shared_ptr<T> find(Bytes bytes) {
    const std::lock_guard lock(mutex_);
    // Mostly it is the one of the last call, which takes less to compare than to hash.
    if (!recent_.empty() && view_of(recent_.front()->bytes()) == view_of(bytes)) return recent_.front();
    const auto found = by_bytes_.find(view_of(bytes));
    if (found == by_bytes_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, found->second);
    return recent_.front();
  }

  void keep(const std::shared_ptr<T>& object) {
    const std::string_view key = view_of(object->bytes());
    // What makes room is destroyed when others may go on.
    std::list<std::shared_ptr<T>> gone;
    const std::lock_guard lock(mutex_);
    if (by_bytes_.contains(key)) return;
    recent_.push_front(object);
    by_bytes_.emplace(key, recent_.begin());
    octets_ += key.size();
    while (recent_.size() > max_entries_ || octets_ > max_octets_) {
      const std::string_view oldest = view_of(recent_.back()->bytes());
      octets_ -= oldest.size();
      by_bytes_.erase(oldest);
      gone.splice(gone.begin(), recent_, std::prev(recent_.end()));
    }
  }

  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return recent_.size();
  }

 private:
  const std::size_t max_entries_;
  const std::size_t max_octets_;
  std::mutex mutex_;  // guards what follows
  std::size_t octets_ = 0;
  std::list<std::shared_ptr<T>> recent_;  // latest use first
  // Keys are the entries' own bytes.
  std::unordered_map<std::string_view, typename std::list<std::shared_ptr<T>>::iterator> by_bytes_;
};

}  // namespace ocsp
