// Complex tensors. Beneath this room there are none: tape, traces, graphs and kernels have the real tensor of their
// pairs, with a last axis of 2. So a gradient is the pair of the derivatives by the two parts, as PyTorch has it, and
// whatever works on graphs (vmap, forward mode, fusion, ahead of time) works on complex tensors. What an op is on
// pairs, its record says.
#pragma once
#include "frontend/dispatch/Ops.h"

namespace weft {

inline bool anyComplex(const Tensor *operands, int count) {
  for (int i = 0; i < count; ++i)
    if (isComplex(operands[i].dtype()))
      return true;
  return false;
}

// call() where an operand is complex, or the result of a cast. Throws where the op takes no complex tensors.
Tensor callComplex(OpKind op, const Tensor *operands, int count, const Attrs &attrs);
// An op's attributes, for tensors with a last axis of 2 more, which they leave alone.
Attrs attrsOnPairs(OpKind op, const Attrs &attrs);

} // namespace weft
