#include "frontend/dispatch/KernelKey.h"

#include "frontend/executables/BoundedCache.h"

#include <mutex>
#include <string>

namespace weft {

void KernelKey::attr(const Attr &a) {
  byte(int(a.kind));
  if (a.kind == Attr::Kind::Ints) {
    byte(a.ints.size());
    for (int64_t v : a.ints)
      word(v);
  } else if (a.kind == Attr::Kind::Float) {
    int64_t bits;
    std::memcpy(&bits, &a.f, 8);
    word(bits);
  } else if (a.kind == Attr::Kind::Graph) {
    Hash128 hash = hash128(serialize(*a.body));
    word(int64_t(hash.low));
    word(int64_t(hash.high));
  } else {
    word(a.i);
  }
}

// Words are mixed by the 128-bit product, as in wyhash.
static uint64_t mix(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return uint64_t(product) ^ uint64_t(product >> 64);
}

uint64_t KernelKey::hash() const {
  uint64_t h = uint64_t(size) * 0x9e3779b97f4a7c15;
  int i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + i, 8);
    h = mix(h ^ word, 0xa0761d6478bd642f);
  }
  uint64_t rest = 0;
  std::memcpy(&rest, bytes + i, size_t(size - i));
  return mix(h ^ rest, 0xe7037ed1a0b428db);
}

namespace {
struct Entry {
  std::string key;
  ExecutablePtr executable;
};
using EntryPtr = std::shared_ptr<const Entry>;

// Each thread keeps what it used last; the table of all is behind a mutex.
struct Recent {
  uint64_t hash = 0;
  EntryPtr entry;
};
constexpr size_t kRecent = 512;
thread_local Recent recent[kRecent];

std::mutex mutex;
BoundedCache<EntryPtr> &table() {
  static auto *entries = new BoundedCache<EntryPtr>(kMostKernels); // outlives the threads
  return *entries;
}
} // namespace

const ExecutablePtr *findKernel(const KernelKey &key) {
  if (key.overflowed())
    return nullptr;
  uint64_t hash = key.hash();
  Recent &slot = recent[hash % kRecent];
  if (slot.hash == hash && slot.entry && slot.entry->key == key.text())
    return &slot.entry->executable;
  std::lock_guard<std::mutex> lock(mutex);
  EntryPtr *found = table().find(hash128(key.text()));
  if (!found)
    return nullptr;
  slot = {hash, *found};
  return &slot.entry->executable;
}

const ExecutablePtr &addKernel(const KernelKey &key, ExecutablePtr executable) {
  if (key.overflowed()) {
    static thread_local ExecutablePtr current;
    current = std::move(executable);
    return current;
  }
  auto entry = std::make_shared<const Entry>(Entry{std::string(key.text()), std::move(executable)});
  uint64_t hash = key.hash();
  Recent &slot = recent[hash % kRecent];
  std::lock_guard<std::mutex> lock(mutex);
  slot = {hash, table().put(hash128(key.text()), std::move(entry))};
  return slot.entry->executable;
}

void setMostKernels(size_t count) {
  std::lock_guard<std::mutex> lock(mutex);
  table().setCapacity(count);
}

} // namespace weft
