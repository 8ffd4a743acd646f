// Memory of CUDA devices. Segments come from the driver and are kept; a tensor's memory is a block of one, split off
// and merged again. A block belongs to the stream that was current when it was made: once released it may be used again
// in that stream at once, since the new use comes after the old one. Where launches and copies of another stream worked
// on it (usedIn()), it waits until they are done. A graph (Graph.h) has segments of its own, and what it works on
// otherwise is not used again while it lives. With WEFT_CUDA_CACHE=0 each block is an allocation of the driver's, which
// a memory checker sees.
#pragma once
#include "runtime/Device.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace weft::cuda {

// In the calling thread's current stream. Throws OutOfMemory, after all that is kept was given back to the driver.
void *allocate(size_t bytes, int device);
void release(void *data, int device) noexcept;
// Gives back what no tensor uses, of all devices; what waits for a stream stays.
void releaseCachedMemory();
// That work in the stream uses the block that holds `data`, if it is one of ours and another stream's.
void usedIn(void *stream, int device, const void *data);

// Bytes and numbers of one kind of thing.
struct Count {
  int64_t current = 0, peak = 0, allocated = 0, freed = 0;
  void add(int64_t amount) {
    current += amount;
    peak = current > peak ? current : peak;
    (amount > 0 ? allocated : freed) += amount > 0 ? amount : -amount;
  }
};
struct MemoryStatistics {
  Count allocatedBytes, reservedBytes, requestedBytes; // of blocks in use; of segments; as they were asked for
  Count blocks, segments;
  int64_t retries = 0, outOfMemory = 0;
};
MemoryStatistics memoryStatistics(int device);
void resetPeakMemory(int device);
void memoryInfo(int device, size_t &free, size_t &total); // as the driver has it

// Segments of a graph, or of several; what is kept beside them lives as long.
struct MemoryPool;
using MemoryPoolRef = std::shared_ptr<MemoryPool>;
MemoryPoolRef makePool(int device);
void keepInPool(MemoryPool &pool, std::shared_ptr<void> thing);
// When a capture is over: what was released in it, and used by several streams, is free.
void captureEnded(int device);

} // namespace weft::cuda
