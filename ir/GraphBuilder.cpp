#include "ir/GraphBuilder.h"

#include "ir/OpAccess.h"

#include <stdexcept>

using namespace mlir;

namespace weft::build {

TensorType Val::type() const { return fromMlir(value.getType()); }

// Whether every number of dtype `from` is one of `to`.
static bool widens(DType from, DType to) {
  if (!isFloat(from) || !isFloat(to))
    return from == to;
  return from == to || (itemSize(from) < itemSize(to));
}

// The operand that an op would repeat without change, null if it does something.
static Val unchanged(OpKind op, Val x, const Attrs &attrs) {
  const Dims *dims = nullptr;
  switch (op) {
  case OpKind::Cast: {
    DType target = attrs[0].asDType();
    if (x.dtype() == target)
      return x;
    Operation *inner = x.value.getDefiningOp();
    if (inner && kindOf(inner) == OpKind::Cast && dtypeOf(inner->getOperand(0)) == target && widens(target, x.dtype()))
      return Val(*x.builder, Location(x.location), inner->getOperand(0));
    return Val();
  }
  case OpKind::Reshape:
  case OpKind::Expand:
    return x.shape() == attrs[0].ints ? x : Val();
  case OpKind::Permute:
    dims = &attrs[0].ints;
    for (int i = 0; i < dims->size(); ++i)
      if ((*dims)[i] != i)
        return Val();
    return x;
  case OpKind::Flip:
    return attrs[0].ints.empty() ? x : Val();
  default:
    return info(op).family == OpFamily::Reduction && attrs[0].ints.empty() ? x : Val();
  }
}

Val create(Builder at, OpKind op, ArrayRef<Val> operands, const Attrs &attrs) {
  while (!operands.empty() && !operands.back())
    operands = operands.drop_back();
  if (!operands.empty())
    if (Val same = unchanged(op, operands.front(), attrs))
      return same;
  SmallVector<Value, 4> values;
  for (const Val &operand : operands)
    values.push_back(operand.value);
  return Val(*at.builder, at.location, createOp(*at.builder, at.location, op, values, attrs));
}

Results createAll(OpKind op, ArrayRef<Val> operands, const Attrs &attrs) {
  Val at = operands.front();
  SmallVector<Value, 4> values;
  for (const Val &operand : operands)
    if (operand)
      values.push_back(operand.value);
  Results results;
  for (Value result : createOpOfSeveral(*at.builder, Location(at.location), op, values, attrs)->getResults())
    results.push_back(Val(*at.builder, Location(at.location), result));
  return results;
}

Val filled(Builder at, const Dims &shape, DType dtype, double number) {
  return isFloat(dtype) ? full(at, shape, number, 0, dtype) : full(at, shape, 0.0, int64_t(number), dtype);
}

Val zerosLike(Val x) { return filled(x, x.shape(), x.dtype(), 0.0); }

// Expands both operands to the shape they broadcast to.
static void broadcast(Val &a, Val &b) {
  Dims x = a.shape(), y = b.shape(), shape;
  int rank = std::max(x.size(), y.size());
  for (int i = 0; i < rank; ++i) {
    int ix = i - (rank - x.size()), iy = i - (rank - y.size());
    int64_t nx = ix < 0 ? 1 : x[ix], ny = iy < 0 ? 1 : y[iy];
    shape.push_back(nx == 1 ? ny : nx);
  }
  a = expandTo(a, shape);
  b = expandTo(b, shape);
}

#define WEFT_OPERATOR(op, name)                                                                                        \
  Val operator op(Val a, Val b) {                                                                                      \
    broadcast(a, b);                                                                                                   \
    return name(a, b);                                                                                                 \
  }
WEFT_OPERATOR(+, add)
WEFT_OPERATOR(-, sub)
WEFT_OPERATOR(*, mul)
WEFT_OPERATOR(/, div)
WEFT_OPERATOR(==, eq)
WEFT_OPERATOR(!=, ne)
WEFT_OPERATOR(<, lt)
WEFT_OPERATOR(<=, le)
WEFT_OPERATOR(>, gt)
WEFT_OPERATOR(>=, ge)
#undef WEFT_OPERATOR
Val operator-(Val a) { return neg(a); }

Val expandTo(Val x, const Dims &shape) { return expand(x, shape); }

Val sumTo(Val x, const Dims &shape) {
  Dims from = x.shape(), dims;
  int extra = from.size() - shape.size();
  for (int i = 0; i < from.size(); ++i)
    if (i < extra || (shape[i - extra] == 1 && from[i] != 1))
      dims.push_back(i);
  return reshape(sum(x, dims, false), shape);
}

Val expandReduced(Val reduced, Val x, const Dims &dims, bool keepdim) {
  Dims kept = x.shape();
  for (int64_t dim : dims)
    kept[int(dim)] = 1;
  return expand(keepdim ? reduced : reshape(reduced, kept), x.shape());
}

Val alongAxis(Val list, const Dims &shape, int64_t dim) {
  Dims single(shape.size(), 1);
  single[int(dim)] = list.shape()[0];
  return expand(reshape(list, single), shape);
}

Val squeezed(Val x, int64_t dim) {
  Dims shape;
  for (int i = 0; i < x.rank(); ++i)
    if (i != dim)
      shape.push_back(x.shape()[i]);
  return reshape(x, shape);
}

Val unsqueezed(Val x, int64_t dim) {
  Dims shape = x.shape();
  shape.insert(int(dim), 1);
  return reshape(x, shape);
}

Dims firstAxes(int count) {
  Dims dims;
  for (int i = 0; i < count; ++i)
    dims.push_back(i);
  return dims;
}

Dims lastAxes(Val x, int64_t count) {
  Dims dims;
  for (int64_t i = x.rank() - count; i < x.rank(); ++i)
    dims.push_back(i);
  return dims;
}

Dims inversePermutation(const Dims &dims) {
  Dims inverse(dims.size(), 0);
  for (int i = 0; i < dims.size(); ++i)
    inverse[int(dims[i])] = i;
  return inverse;
}

Dims plusOne(const Dims &dims) {
  Dims out = dims;
  for (int64_t &v : out)
    ++v;
  return out;
}

Val countOf(Val x, const Dims &dims, int64_t less) {
  Dims shape = x.shape(), sizes;
  double known = 1;
  for (int64_t dim : dims) {
    sizes.push_back(shape[int(dim)]);
    known *= double(sizes.back());
  }
  if (sizes.hasSymbol())
    return count(x, {}, sizes, less, x.dtype());
  return filled(x, {}, x.dtype(), std::max(known - double(less), 0.0));
}

} // namespace weft::build
