// From an op to a kernel. An eager op is a graph of one op, compiled once for each class of layouts: sizes and strides
// are symbols, equal values are equal symbols, 0 and 1 stay as they are. Elementwise operands are brought to as few
// axes as their strides allow first; all contiguous is one axis.
#pragma once
#include "frontend/tensor/Tensor.h"

namespace weft {

// apply() without the detour of view ops.
Tensor applyKernel(OpKind op, const Tensor *operands, int count, const Attrs &attrs);
// Of ops without operands: iota, full.
Tensor applyCreation(OpKind op, const Attrs &attrs, Device device);

// Runs the op; the result goes to `out`, contiguous, which may be operand `donated`'s own memory and must not overlap
// the others'.
void runKernel(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type, Device device,
               void *out, int donated = -1, void *const *others = nullptr);

// Writes `value` (same shape and dtype) to target's memory, eagerly; they may overlap.
void storeInto(const Tensor &target, const Tensor &value);

// The memories of two views may overlap.
bool mayOverlap(const Tensor &a, const Tensor &b);

} // namespace weft
