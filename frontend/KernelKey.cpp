#include "frontend/KernelKey.h"

#include <mutex>
#include <string>
#include <unordered_map>

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
// Each thread remembers where it found what it used last; the table of all is behind a mutex.
struct Recent {
  uint64_t hash = 0;
  const Entry *entry = nullptr;
};
constexpr size_t kRecent = 512;
thread_local Recent recent[kRecent];
std::mutex mutex;
std::unordered_map<std::string, std::unique_ptr<Entry>> &table() {
  static auto *entries = new std::unordered_map<std::string, std::unique_ptr<Entry>>; // outlives the threads
  return *entries;
}
} // namespace

bool findKernel(const KernelKey &key, const Executable *&executable) {
  if (key.overflowed())
    return false;
  uint64_t hash = key.hash();
  Recent &slot = recent[hash % kRecent];
  if (slot.hash == hash && slot.entry && slot.entry->key.size() == size_t(key.size) &&
      std::memcmp(slot.entry->key.data(), key.bytes, size_t(key.size)) == 0) {
    executable = slot.entry->executable.get();
    return true;
  }
  std::lock_guard<std::mutex> lock(mutex);
  auto found = table().find(std::string(reinterpret_cast<const char *>(key.bytes), size_t(key.size)));
  if (found == table().end())
    return false;
  slot = {hash, found->second.get()};
  executable = found->second->executable.get();
  return true;
}

const Executable *addKernel(const KernelKey &key, ExecutablePtr executable) {
  if (key.overflowed()) { // good until this thread's next one
    static thread_local ExecutablePtr current;
    current = std::move(executable);
    return current.get();
  }
  std::string text(reinterpret_cast<const char *>(key.bytes), size_t(key.size));
  std::lock_guard<std::mutex> lock(mutex);
  auto &entry = table()[text];
  if (!entry)
    entry.reset(new Entry{text, std::move(executable)});
  return entry->executable.get();
}

} // namespace weft
