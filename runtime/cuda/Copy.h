// Copies between devices, in the current stream of the device that they are from, or of the one that they go to.
#pragma once
#include "runtime/Device.h"

#include <cstddef>

namespace weft::cuda {

// As copyMemory() (Buffer.h); at least one of the two devices is CUDA's.
void copy(void *to, Device toDevice, const void *from, Device fromDevice, size_t bytes, bool mayReturnEarly);

// Whether a device reaches another one's memory without the host.
bool reachesPeer(int device, int peer);

} // namespace weft::cuda
