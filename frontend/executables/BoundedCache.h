// A table that forgets what was not used for longest once it is full. Not safe for use by several threads at once.
#pragma once
#include "runtime/Hash.h"

#include <unordered_map>

namespace weft {

template <class Value> class BoundedCache {
public:
  explicit BoundedCache(size_t capacity) : capacity(capacity) {}

  // Null where there is none; good until the next put().
  Value *find(Hash128 key) {
    auto found = entries.find(key);
    if (found == entries.end())
      return nullptr;
    found->second.lastUse = ++clock;
    return &found->second.value;
  }
  // The value that is there already, if there is one.
  Value &put(Hash128 key, Value value) {
    if (!entries.count(key))
      shrinkTo(capacity - 1);
    Entry &entry = entries.try_emplace(key, Entry{std::move(value), 0}).first->second;
    entry.lastUse = ++clock;
    return entry.value;
  }
  size_t size() const { return entries.size(); }
  void setCapacity(size_t entries) {
    capacity = entries;
    shrinkTo(capacity);
  }

private:
  void shrinkTo(size_t count) {
    while (entries.size() > count) {
      auto oldest = entries.begin();
      for (auto it = entries.begin(); it != entries.end(); ++it)
        if (it->second.lastUse < oldest->second.lastUse)
          oldest = it;
      entries.erase(oldest);
    }
  }

  struct Entry {
    Value value;
    uint64_t lastUse;
  };
  struct HashOfKey {
    size_t operator()(Hash128 key) const { return size_t(key.low); }
  };
  std::unordered_map<Hash128, Entry, HashOfKey> entries;
  size_t capacity;
  uint64_t clock = 0;
};

} // namespace weft
