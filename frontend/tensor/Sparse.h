// What a sparse tensor is made of. It is a tensor of its shape, dtype and device whose elements nobody may read: its
// memory is one element that stands for all. What can be done with it, python/weft/sparse knows; here it is only held,
// as the gradient of a leaf may be one.
#pragma once
#include "frontend/tensor/Tensor.h"

namespace weft {

struct SparseParts : Pooled {
  enum class Layout { Coo, Csr, Csc };
  Layout layout = Layout::Coo;
  bool coalesced = false; // Coo: the indices ascend, each comes once
  // Coo: indices int64 [sparse dims, n], values [n, dense dims...]. Csr, Csc: where rows (columns) begin, int64
  // [rows + 1]; columns (rows), int64 [n]; values [n].
  std::vector<Tensor> parts;
};

// The last part is the values, whose dtype and device are the tensor's.
Tensor makeSparse(const Dims &shape, SparseParts parts);
inline bool isSparse(const Tensor &t) { return t.impl->sparse != nullptr; }
// The sum of two gradients of one shape, of which one at least is sparse; it is, too, where both are.
Tensor addSparse(const Tensor &a, const Tensor &b);

} // namespace weft
