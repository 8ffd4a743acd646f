// Copies between layouts of CPU memory, by several threads where that pays.
#pragma once
#include "frontend/tensor/Tensor.h"

namespace weft {

// Elements of `itemBytes` (1, 2, 4 or 8). Strides are in elements. Many are copied in a BlockingRegion: the caller
// keeps the memory.
void copyStrided(const Dims &shape, const void *source, const Dims &sourceStrides, void *destination,
                 const Dims &destinationStrides, int64_t itemBytes);
// Between views of equal shape and dtype.
void copyStrided(const Tensor &source, const Tensor &destination);

} // namespace weft
