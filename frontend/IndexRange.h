// What the values of an index tensor must be. Kernels do not look: they take an index outside for a clipped one.
#pragma once
#include "frontend/Tensor.h"

namespace weft {

struct IndexRange {
  const char *op;
  TensorType operand; // that is indexed
  int64_t size;       // of its indexed dimension
  bool fromEnd;       // whether -size to -1 count from the end
  bool mayIgnore = false;
  int64_t ignored = 0; // the value that stands for "none", if mayIgnore

  // Throws UserError on the first value outside. Reads the values.
  void check(const Tensor &index) const;
};

// Checks the index now where its values can be had; in a trace also each time the call is replayed. An index that the
// trace computes is not checked, nor is one on another device.
void checkIndex(const Tensor &index, const IndexRange &range);

} // namespace weft
