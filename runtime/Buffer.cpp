#include "runtime/Buffer.h"
#include "runtime/BlockingRegion.h"
#include "runtime/SizeClass.h"
#include "runtime/cuda/Copy.h"
#include "runtime/cuda/DeviceMemory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr size_t kHugePage = size_t(2) << 20;
constexpr size_t kMappedBytes = size_t(4) << 20;  // blocks from here on are mapped by themselves
constexpr size_t kThreadBytes = size_t(64) << 10; // blocks up to here are kept by threads
constexpr int kThreadClasses = sizeClassOf(kThreadBytes).index + 1;
constexpr size_t kThreadListBytes = size_t(128) << 10;

// Under AddressSanitizer nothing is kept, so that it sees what is used after its release.
#ifdef WEFT_ADDRESS_SANITIZER
constexpr bool kKeepsBlocks = false;
#else
constexpr bool kKeepsBlocks = true;
#endif

// A free block's first word links it to the next of its size.
struct FreeBlock {
  FreeBlock *next;
};
struct FreeList {
  FreeBlock *head = nullptr;
  int count = 0;
  void push(void *block) {
    auto *b = static_cast<FreeBlock *>(block);
    b->next = head;
    head = b;
    ++count;
  }
  void *pop() {
    FreeBlock *b = head;
    if (b) {
      head = b->next;
      --count;
    }
    return b;
  }
};

void *systemAllocate(size_t bytes) {
  if (bytes < kMappedBytes)
    return std::aligned_alloc(kSizeUnit, bytes);
  if (bytes > kMaxClassBytes)
    return nullptr;
  // Map more than needed and cut it to an aligned range; otherwise the first and last pages could never be huge.
  void *mapped = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED)
    return nullptr;
  auto start = reinterpret_cast<uintptr_t>(mapped);
  uintptr_t aligned = (start + kHugePage - 1) & ~(kHugePage - 1);
  if (aligned != start)
    munmap(mapped, aligned - start);
  if (size_t rest = start + kHugePage - aligned)
    munmap(reinterpret_cast<void *>(aligned + bytes), rest);
  madvise(reinterpret_cast<void *>(aligned), bytes, MADV_HUGEPAGE);
  return reinterpret_cast<void *>(aligned);
}

void systemRelease(void *data, size_t bytes) {
  if (bytes < kMappedBytes)
    std::free(data);
  else
    munmap(data, bytes);
}

// The lists that all threads share. When they hold more than their limit they are emptied: sizes that are not asked for
// again must not keep those that are from being kept.
class SharedCache {
public:
  SharedCache() {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0)
      limit = std::min(limit, size_t(pages) * size_t(page) / 8);
  }

  void *take(SizeClass size) {
    std::lock_guard<std::mutex> lock(mutex);
    void *block = lists[size.index].pop();
    if (block)
      bytes -= size.bytes;
    return block;
  }
  // Moves up to `count` blocks to a thread's list.
  void refill(SizeClass size, FreeList &to, int count) {
    std::lock_guard<std::mutex> lock(mutex);
    for (void *block; count > 0 && (block = lists[size.index].pop()); --count) {
      bytes -= size.bytes;
      to.push(block);
    }
  }
  void give(SizeClass size, FreeList &from, int count) {
    std::lock_guard<std::mutex> lock(mutex);
    for (; count > 0; --count)
      if (void *block = from.pop())
        keep(size, block);
  }
  void give(SizeClass size, void *block) {
    std::lock_guard<std::mutex> lock(mutex);
    keep(size, block);
  }
  void clear() {
    std::lock_guard<std::mutex> lock(mutex);
    clearLocked();
  }
  size_t cached() {
    std::lock_guard<std::mutex> lock(mutex);
    return bytes;
  }
  void lock() { mutex.lock(); }
  void unlock() { mutex.unlock(); }

private:
  void keep(SizeClass size, void *block) {
    if (bytes + size.bytes > limit)
      clearLocked();
    if (size.bytes > limit)
      return systemRelease(block, size.bytes);
    lists[size.index].push(block);
    bytes += size.bytes;
  }
  void clearLocked() {
    for (int i = 0; i < kSizeClassCount; ++i)
      while (void *block = lists[i].pop())
        systemRelease(block, classBytes(i));
    bytes = 0;
  }

  std::mutex mutex;
  FreeList lists[kSizeClassCount];
  size_t bytes = 0;
  size_t limit = size_t(1) << 30;
};

// Never destroyed: buffers may outlive every static object. A fork while another thread holds the lock must not leave
// it locked.
SharedCache &shared() {
  static SharedCache *cache = [] {
    auto *made = new SharedCache;
    pthread_atfork([] { shared().lock(); }, [] { shared().unlock(); }, [] { shared().unlock(); });
    return made;
  }();
  return *cache;
}

int threadListLimit(size_t bytes) { return int(std::clamp<size_t>(kThreadListBytes / bytes, 2, 64)); }

struct ThreadCache {
  FreeList lists[kThreadClasses];
  ~ThreadCache();
  void flush() {
    for (int i = 0; i < kThreadClasses; ++i)
      if (lists[i].count)
        shared().give({i, classBytes(i)}, lists[i], lists[i].count);
  }
};

// The pointer is of trivial type, so that its use costs no check; the owner behind it is met once a thread.
thread_local ThreadCache *threadCache = nullptr;
thread_local bool threadEnds = false;

ThreadCache::~ThreadCache() {
  threadCache = nullptr;
  threadEnds = true;
  flush();
}

ThreadCache *makeThreadCache() {
  if (threadEnds) // an object that dies after the cache did
    return nullptr;
  static thread_local ThreadCache owner;
  return threadCache = &owner;
}

__attribute__((noinline)) void *allocateSlow(SizeClass size, size_t asked) {
  if (size.index < kThreadClasses) {
    if (ThreadCache *cache = threadCache ? threadCache : makeThreadCache()) {
      shared().refill(size, cache->lists[size.index], threadListLimit(size.bytes) / 2);
      if (void *block = cache->lists[size.index].pop())
        return block;
    }
  } else if (void *block = shared().take(size)) {
    return block;
  }
  void *block = systemAllocate(size.bytes);
  if (!block) {
    releaseCachedMemory();
    block = systemAllocate(size.bytes);
  }
  if (!block)
    throw OutOfMemory(asked, {});
  return block;
}

__attribute__((noinline)) void releaseSlow(void *data, SizeClass size) {
  if (size.index < kThreadClasses) {
    if (ThreadCache *cache = threadCache ? threadCache : makeThreadCache()) {
      FreeList &list = cache->lists[size.index];
      list.push(data);
      if (list.count > threadListLimit(size.bytes))
        shared().give(size, list, list.count / 2);
      return;
    }
  }
  shared().give(size, data);
}

} // namespace

std::string humanBytes(size_t bytes) {
  const char *units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = double(bytes);
  int unit = 0;
  while (value >= 1024 && unit < 5) {
    value /= 1024;
    ++unit;
  }
  char text[64];
  std::snprintf(text, sizeof text, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text;
}

OutOfMemory::OutOfMemory(size_t bytes, Device device, const std::string &detail)
    : std::runtime_error("[memory] out of memory on " + toString(device) + ": cannot allocate " + humanBytes(bytes) +
                         " (" + std::to_string(bytes) + " bytes); " + detail + (detail.empty() ? "" : "; ") +
                         "free tensors that are no longer needed or use smaller batches"),
      bytes(bytes), device(device) {}

void *allocateBytes(size_t bytes) {
  if (bytes > kMaxClassBytes)
    throw OutOfMemory(bytes, {});
  SizeClass size = sizeClassOf(bytes);
  if (size.index < kThreadClasses && threadCache)
    if (void *block = threadCache->lists[size.index].pop())
      return block;
  return allocateSlow(size, bytes);
}

void releaseBytes(void *data, size_t bytes) noexcept {
  SizeClass size = sizeClassOf(bytes);
  if (!kKeepsBlocks)
    return systemRelease(data, size.bytes);
  if (size.index < kThreadClasses && threadCache) {
    FreeList &list = threadCache->lists[size.index];
    if (list.count < 2) // below every list's limit
      return list.push(data);
  }
  releaseSlow(data, size);
}

void releaseCachedMemory() {
  if (threadCache)
    threadCache->flush();
  shared().clear();
  cuda::releaseCachedMemory();
}

size_t cachedBytes() {
  size_t total = shared().cached();
  if (threadCache)
    for (int i = 0; i < kThreadClasses; ++i)
      total += threadCache->lists[i].count * classBytes(i);
  return total;
}

BufferRef Buffer::allocate(size_t bytes, Device device) {
  void *data = device.isCpu() ? allocateBytes(bytes) : cuda::allocate(bytes, device.index);
  void *header;
  try {
    header = allocateBytes(sizeof(Buffer));
  } catch (...) {
    device.isCpu() ? releaseBytes(data, bytes) : cuda::release(data, device.index);
    throw;
  }
  return BufferRef(new (header) Buffer(data, bytes, device, nullptr, nullptr));
}

BufferRef Buffer::external(void *data, size_t bytes, Device device, Deleter deleter, void *context) {
  // A null deleter would mean our own allocator.
  if (!deleter)
    deleter = [](void *) {};
  return BufferRef(new (allocateBytes(sizeof(Buffer))) Buffer(data, bytes, device, deleter, context));
}

void Buffer::destroy() {
  if (deleter)
    deleter(context);
  else if (place.isCpu())
    releaseBytes(pointer, size);
  else
    cuda::release(pointer, place.index);
  this->~Buffer();
  releaseBytes(this, sizeof(Buffer));
}

void copyMemory(void *to, Device toDevice, const void *from, Device fromDevice, size_t bytes, bool mayReturnEarly) {
  constexpr size_t kLongBytes = 1 << 18; // that take some ten microseconds
  if (bytes == 0)
    return;
  bool onHost = toDevice.isCpu() && fromDevice.isCpu();
  BlockingRegion region(!onHost || bytes >= kLongBytes);
  if (onHost)
    std::memmove(to, from, bytes);
  else
    cuda::copy(to, toDevice, from, fromDevice, bytes, mayReturnEarly);
}

} // namespace weft
