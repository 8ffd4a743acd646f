// Copies between devices, in the current stream of the device that they are from, or of the one that they go to.
#pragma once
#include "runtime/Device.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::cuda {

// As copyMemory() (Buffer.h); at least one of the two devices is CUDA's.
void copy(void *to, Device toDevice, const void *from, Device fromDevice, size_t bytes, bool mayReturnEarly);

// Along one axis of both memories: how many, and the bytes from one to the next.
struct CopiedAxis {
  int64_t size, toStride, fromStride;
};
// Elements of `itemBytes` within a device, which do not overlap; strides are positive. False, and nothing is done,
// where that would take many copies of the driver's.
bool copyStrided(void *to, const void *from, int device, std::vector<CopiedAxis> axes, int64_t itemBytes);

// Whether a device reaches another one's memory without the host.
bool reachesPeer(int device, int peer);

} // namespace weft::cuda
