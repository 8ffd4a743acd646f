#include "frontend/dispatch/Parts.h"

#include "frontend/dispatch/OperandCheck.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/tensor/StridedCopy.h"

#include <numeric>

namespace weft {

static int64_t *integersOf(const Tensor &t) { return static_cast<int64_t *>(t.impl->storage->memory); }

static Tensor counting(int64_t count) {
  Tensor t = Tensor::empty({count}, DType::Int64);
  std::iota(integersOf(t), integersOf(t) + count, int64_t(0));
  return t;
}

// `part`'s layout on a tensor with flat's elements.
static Tensor placed(const Tensor &elements, const Tensor &flat, const Tensor &part) {
  return aliasOf(elements, part.shape(), part.strides(), part.offset() - flat.offset());
}
static Tensor rowMajor(const Tensor &elements, const Tensor &part) {
  return aliasOf(elements, part.shape(), contiguousStrides(part.shape()), 0);
}

Tensor withPart(const Tensor &flat, const Tensor &part, const Tensor &value) {
  int64_t total = flat.numel(), count = part.numel();
  // For each element of flat the element of value that replaces it; 0 where none does.
  Tensor from = Tensor::empty({total}, DType::Int64), covered = Tensor::empty({total}, DType::Bool);
  std::fill_n(integersOf(from), total, int64_t(-1));
  copyStrided(rowMajor(counting(count), part), placed(from, flat, part));
  bool *mask = static_cast<bool *>(covered.impl->storage->memory);
  for (int64_t i = 0; i < total; ++i) {
    mask[i] = integersOf(from)[i] >= 0;
    integersOf(from)[i] = mask[i] ? integersOf(from)[i] : 0;
  }
  AlreadyChecked made; // here
  Tensor source = apply(OpKind::IndexSelect, {reshape(value, {count}), from.to(flat.device())}, {Attr::integer(0)});
  return apply(OpKind::Where, {covered.to(flat.device()), source, flat});
}

Tensor partOf(const Tensor &flat, const Tensor &part) {
  Tensor positions = Tensor::empty({part.numel()}, DType::Int64);
  copyStrided(placed(counting(flat.numel()), flat, part), rowMajor(positions, part));
  AlreadyChecked made; // here
  Tensor elements = apply(OpKind::IndexSelect, {flat, positions.to(flat.device())}, {Attr::integer(0)});
  return reshape(elements, part.shape());
}

} // namespace weft
