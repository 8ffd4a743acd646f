// Memory of CUDA devices. Freed blocks are kept by size class; since all work of a device is in one stream, a block may
// be used again at once: the new use comes after the old one in the stream.
#pragma once
#include "runtime/Device.h"

#include <cstddef>

namespace weft::cuda {

void *allocate(size_t bytes, int device); // throws OutOfMemory
void release(void *data, size_t bytes, int device) noexcept;
void releaseCachedMemory();
// At least one of the two devices is CUDA's. Complete when it returns.
void copy(void *to, Device toDevice, const void *from, Device fromDevice, size_t bytes);

} // namespace weft::cuda
