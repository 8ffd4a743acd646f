// Ops that only move elements, run eagerly on the CPU without a kernel of their own: their operands' and attributes'
// sizes are data, so that nothing is compiled for a new one.
#pragma once
#include "frontend/tensor/Tensor.h"

namespace weft {

// As runKernel(); false where the op, or the device, is none of these.
bool runMove(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type, Device device,
             void *out);

} // namespace weft
