// Reference-counted memory on a device, and the allocator behind it.
//
// CPU memory is 64-byte aligned and comes from a caching allocator: freed blocks are kept in lists by size class
// (SizeClass.h), small ones in lists of the thread's own. Blocks of 4 MiB and more are aligned to 2 MiB and ask for
// huge pages. Contents of new memory are undefined. Everything here may be called from any thread.
#pragma once
#include "runtime/Device.h"

#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

namespace weft {

// Thrown when an allocation fails even after the cache was given back.
class OutOfMemory : public std::runtime_error {
public:
  OutOfMemory(size_t bytes, Device device, const std::string &detail = "");
  size_t bytes;
  Device device;
};

std::string humanBytes(size_t bytes); // "1.5 GiB"

class BufferRef;

class Buffer {
public:
  using Deleter = void (*)(void *context);

  void *data() const { return pointer; }
  size_t bytes() const { return size; }
  Device device() const { return place; }
  bool isExternal() const { return deleter != nullptr; }

  // New memory; throws OutOfMemory. Zero bytes give a valid pointer too.
  static BufferRef allocate(size_t bytes, Device device = {});
  // Memory of someone else's (NumPy, DLPack), given back by `deleter(context)` with the last reference, on whichever
  // thread drops it.
  static BufferRef external(void *data, size_t bytes, Device device, Deleter deleter, void *context);

  void retain() { references.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    // The only owner needs no atomic read-modify-write.
    if (references.load(std::memory_order_acquire) == 1 || references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      destroy();
  }
  // Whether there is one reference; then its owner may write in place.
  bool isUnique() const { return references.load(std::memory_order_acquire) == 1; }

private:
  Buffer(void *data, size_t bytes, Device device, Deleter deleter, void *context)
      : place(device), pointer(data), size(bytes), deleter(deleter), context(context) {}
  void destroy();

  std::atomic<int32_t> references{1};
  Device place;
  void *pointer;
  size_t size;
  Deleter deleter; // null: memory of our allocators
  void *context;
};

// Owns one reference.
class BufferRef {
public:
  BufferRef() = default;
  // Takes over a reference that the caller holds.
  explicit BufferRef(Buffer *owned) : buffer(owned) {}
  BufferRef(const BufferRef &o) : buffer(o.buffer) {
    if (buffer)
      buffer->retain();
  }
  BufferRef(BufferRef &&o) noexcept : buffer(std::exchange(o.buffer, nullptr)) {}
  BufferRef &operator=(BufferRef o) noexcept {
    std::swap(buffer, o.buffer);
    return *this;
  }
  ~BufferRef() {
    if (buffer)
      buffer->release();
  }
  Buffer *get() const { return buffer; }
  Buffer *operator->() const { return buffer; }
  Buffer &operator*() const { return *buffer; }
  explicit operator bool() const { return buffer != nullptr; }
  bool operator==(const BufferRef &o) const { return buffer == o.buffer; }
  bool operator!=(const BufferRef &o) const { return buffer != o.buffer; }

private:
  Buffer *buffer = nullptr;
};

// CPU memory without a Buffer, of the same allocator. `bytes` at release must be what was asked for.
void *allocateBytes(size_t bytes);
void releaseBytes(void *data, size_t bytes) noexcept;

// Gives cached memory back to the system (that of this thread and what all threads share), and CUDA's to the driver.
void releaseCachedMemory();
// Bytes that are free but kept: the shared lists and those of this thread.
size_t cachedBytes();

// Copies between any two devices. CPU memory that it writes holds the bytes when it returns, that which it reads may be
// changed then; a GPU's streams go on in that order. With mayReturnEarly neither is so of pinned memory
// (cuda/HostMemory.h), until somebody waits for the current stream. CPU ranges may overlap. Many bytes, and those of
// other devices, are copied in a BlockingRegion.
void copyMemory(void *to, Device toDevice, const void *from, Device fromDevice, size_t bytes,
                bool mayReturnEarly = false);

} // namespace weft
