#include "frontend/tensor/Sparse.h"

#include "frontend/dispatch/Ops.h"
#include "frontend/trace/Trace.h"

#include <limits>

namespace weft {

Tensor makeSparse(const Dims &shape, SparseParts parts) {
  if (Trace *trace = Trace::active())
    trace->notReplayable("it makes a sparse tensor");
  const Tensor &values = parts.parts.back();
  double number = isIntegral(values.dtype()) ? 0 : std::numeric_limits<double>::quiet_NaN();
  Tensor element = full({}, Tensor::wrapped(number), values.dtype(), values.device());
  Tensor result = expand(element, shape).alias();
  result.impl->sparse = new SparseParts(std::move(parts));
  return result;
}

// Rows of a dense tensor, which the indices of a sparse one name.
static Tensor addRows(const Tensor &dense, const Tensor &sparse) {
  const std::vector<Tensor> &parts = sparse.impl->sparse->parts;
  const Tensor &values = parts[1];
  if (sparse.impl->sparse->layout != SparseParts::Layout::Coo || parts[0].shape()[0] != 1)
    fail(UserError::Kind::Runtime, "backward",
         "a dense and a sparse gradient of shape " + toString(sparse.shape()) +
             " cannot be added, as the sparse one has not one sparse dimension; make it dense by to_dense()");
  Tensor index = select(parts[0], 0, 0);
  while (index.dim() < values.dim())
    index = unsqueeze(index, index.dim());
  return call(OpKind::ScatterAdd, {dense, expand(index, values.shape()), values}, {Attr::integer(0)});
}

Tensor addSparse(const Tensor &a, const Tensor &b) {
  if (!isSparse(a) || !isSparse(b))
    return isSparse(a) ? addRows(b, a) : addRows(a, b);
  const SparseParts &first = *a.impl->sparse, &second = *b.impl->sparse;
  if (first.layout != SparseParts::Layout::Coo || second.layout != SparseParts::Layout::Coo ||
      first.parts[0].shape()[0] != second.parts[0].shape()[0])
    fail(UserError::Kind::Runtime, "backward", "sparse gradients of different layouts cannot be added");
  SparseParts sum;
  sum.parts = {call(OpKind::Concatenate, {first.parts[0], second.parts[0]}, {Attr::integer(1)}),
               call(OpKind::Concatenate, {first.parts[1], second.parts[1]}, {Attr::integer(0)})};
  return makeSparse(a.shape(), std::move(sum));
}

} // namespace weft
