// Reads and writes at the positions that tensors hold: x[i, j], x[mask], x[:, i] = v.
#pragma once
#include "frontend/tensor/Tensor.h"

#include <vector>

namespace weft {

// An index tensor beside ints, slices, None and Ellipsis, which are views: `dim` is the dimension of the view that they
// made. int64, from the end where negative; or a mask, of as many dimensions as it has.
struct IndexTensor {
  int dim;
  Tensor index;
  // An int that a trace computes: its dimension vanishes, as it would by select().
  bool isInt = false;
};

// The tensors broadcast against each other to one shape, which takes the place of their dimensions where these are
// adjacent, and else comes first. Throws IndexError where they do not fit.
Tensor readAt(const Tensor &view, const std::vector<IndexTensor> &indices);

// `value`, a number or a tensor of the view's dtype that broadcasts to the shape that readAt() gives, into `base` where
// the indices of its view name. Of equal positions the last one's value stays; with `accumulate` all are added, in
// order.
void writeAt(const Tensor &base, const Tensor &view, const std::vector<IndexTensor> &indices, const Tensor &value,
             bool accumulate = false);

} // namespace weft
