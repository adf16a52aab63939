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
  RecentCache(std::size_t max_entries, std::size_t max_octets) : max_entries_(max_entries), max_octets_(max_octets) {
    // It never grows beyond that, so places in it stay where they are.
    by_bytes_.reserve(max_entries + 1);
  }

  // nullptr where there is none.
  std::shared_ptr<T> find(Bytes bytes) {
    const std::lock_guard lock(mutex_);
    // Mostly it is the one of the last call, which takes less to compare than to hash.
    if (!recent_.empty() && recent_.front().place->first == view_of(bytes)) return recent_.front().object;
    const auto found = by_bytes_.find(view_of(bytes));
    if (found == by_bytes_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, found->second);
    return recent_.front().object;
  }

  void keep(const std::shared_ptr<T>& object) {
    // What makes room is destroyed when others may go on.
    Entries gone;
    const std::lock_guard lock(mutex_);
    const auto [place, is_new] = by_bytes_.try_emplace(view_of(object->bytes()));
    if (!is_new) return;
    recent_.push_front({object, place});
    place->second = recent_.begin();
    octets_ += place->first.size();
    while (recent_.size() > max_entries_ || octets_ > max_octets_) {
      octets_ -= recent_.back().place->first.size();
      by_bytes_.erase(recent_.back().place);
      gone.splice(gone.begin(), recent_, std::prev(recent_.end()));
    }
  }

  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return recent_.size();
  }

 private:
  struct Entry;
  using Entries = std::list<Entry>;
  // Keys are the entries' own bytes.
  using Index = std::unordered_map<std::string_view, typename Entries::iterator>;
  struct Entry {
    std::shared_ptr<T> object;
    typename Index::iterator place;
  };

  const std::size_t max_entries_;
  const std::size_t max_octets_;
  std::mutex mutex_;  // guards what follows
  std::size_t octets_ = 0;
  Entries recent_;  // latest use first
  Index by_bytes_;
};

}  // namespace ocsp
