#include "frontend/IndexRange.h"

#include "frontend/Trace.h"

namespace weft {

void IndexRange::check(const Tensor &index) const {
  Tensor dense = index.contiguous();
  const int64_t *values = static_cast<const int64_t *>(dense.data());
  int64_t low = fromEnd ? -size : 0;
  for (int64_t i = 0, n = dense.numel(); i < n; ++i)
    if ((values[i] < low || values[i] >= size) && !(mayIgnore && values[i] == ignored))
      fail(UserError::Kind::Index, op,
           "index " + std::to_string(values[i]) + " is out of bounds for dimension with size " + std::to_string(size) +
               "; got " + toString(operand) + " and index " + toString(index.type()) +
               (fromEnd ? "" : "; indices count from 0"));
}

void checkIndex(const Tensor &index, const IndexRange &range) {
  if (!index.device().isCpu() || index.impl->storage->isLazy())
    return;
  Trace *trace = Trace::active();
  if (!trace)
    return range.check(index);
  Trace::Pause pause;
  range.check(index);
  trace->noteIndexRange(index, range);
}

} // namespace weft
