// The indexed dimensions become one, and the index tensors one flat index into it: an index_select reads there, a
// scatter writes. Where no tape and no trace need an op, and the dimensions do not lie in memory as one, elements are
// moved directly.
#include "frontend/dispatch/IndexTensors.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Numbers.h"
#include "frontend/dispatch/OperandCheck.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/dispatch/Promotion.h"
#include "frontend/tensor/Snapshot.h"
#include "frontend/tensor/StridedCopy.h"
#include "frontend/trace/Trace.h"

#include <cstring>

namespace weft {
namespace {

using Kind = UserError::Kind;
constexpr const char *kWhat = "index";

// Where x is, as in PyTorch: indices from the CPU go there.
Tensor onDeviceOf(const Tensor &x, const Tensor &index) {
  if (index.device() == x.device())
    return index;
  if (!index.device().isCpu())
    fail(Kind::Runtime, kWhat,
         "indices should be either on cpu or on the same device as the indexed tensor (" + toString(x.device()) +
             "); got some on " + toString(index.device()) + "; move them with .to()");
  return index.to(x.device());
}

// Positions of the true elements, in row-major order, as one flat index. Needs the mask's values.
Tensor positionsOf(const Tensor &mask) {
  Tensor host = mask.detach().to(Device()).contiguous();
  const auto *data = static_cast<const uint8_t *>(host.data());
  std::vector<int64_t> positions;
  for (int64_t i = 0, n = host.numel(); i < n; ++i)
    if (data[i])
      positions.push_back(i);
  return Tensor::fromHost(positions.data(), {int64_t(positions.size())}, DType::Int64);
}

Tensor wrapNegative(const Tensor &index, int64_t size) {
  Tensor below = call(OpKind::Lt, {index, Tensor::wrapped(int64_t(0))});
  return call(OpKind::Where, {below, call(OpKind::Add, {index, Tensor::wrapped(size)}), index});
}

Dims joined(const Dims &a, const Dims &b, const Dims &c) {
  Dims all = a;
  for (const Dims *part : {&b, &c})
    for (int64_t size : *part)
      all.push_back(size);
  return all;
}

// What is indexed and how: masks are positions, and the indexed dimensions follow each other.
class Indexed {
public:
  Indexed(const Tensor &view, std::vector<IndexTensor> given);

  Tensor x;                         // the view, its dimensions in this order: before, indexed, behind
  std::vector<IndexTensor> indices; // of x's dimensions from before.size() on
  Dims before, behind, shape;       // sizes; `shape` is what the indices broadcast to
  Dims result() const { return joined(before, shape, behind); }
  int dim() const { return before.size(); }

  // The indexed dimensions as one, and the index into it.
  Tensor flat() const { return flatten(x, dim(), dim() + int(indices.size()) - 1); }
  Tensor flatIndex() const;
  // The view that `flat`, changed, is of.
  Tensor unflatten(const Tensor &flat) const;

  // The elements between `memory`, which lies as x does, and row-major values of result(); for each index where x's
  // elements are.
  std::vector<int64_t> offsets() const;

private:
  Dims viewShape, merged, order; // the view's; with masks' dimensions as one; which of those are x's
};

Indexed::Indexed(const Tensor &view, std::vector<IndexTensor> given)
    : x(view), indices(std::move(given)), viewShape(view.shape()) {
  for (size_t s = 0; s < indices.size(); ++s) {
    IndexTensor &mask = indices[s];
    if (mask.index.dtype() != DType::Bool)
      continue;
    int dims = mask.index.dim();
    if (dims > 1) {
      x = flatten(x, mask.dim, mask.dim + dims - 1);
      for (size_t later = s + 1; later < indices.size(); ++later)
        indices[later].dim -= dims - 1;
    }
    mask.index = positionsOf(mask.index);
  }
  merged = x.shape();
  // Ints count as gone: whether tensors are adjacent is asked of what is left.
  Dims taken, rest;
  for (const IndexTensor &i : indices)
    taken.push_back(i.dim);
  auto isTensor = [&](int d) {
    for (const IndexTensor &i : indices)
      if (i.dim == d)
        return !i.isInt;
    return false;
  };
  bool begun = false, ended = false, adjacent = true;
  int first = 0;
  for (int d = 0; d < x.dim(); ++d) {
    if (isTensor(d)) {
      adjacent &= !ended;
      begun = true;
    } else if (!taken.contains(d)) {
      rest.push_back(d);
      first += !begun;
      ended |= begun;
    }
  }
  if (!adjacent)
    first = 0;
  for (int i = 0; i < first; ++i)
    order.push_back(rest[i]);
  for (size_t s = 0; s < indices.size(); ++s) {
    order.push_back(indices[s].dim);
    indices[s].dim = first + int(s);
  }
  for (int i = first; i < rest.size(); ++i)
    order.push_back(rest[i]);
  for (int i = 0; i < order.size(); ++i)
    if (order[i] != i) {
      x = permute(x, order);
      break;
    }
  for (int d = 0; d < x.dim(); ++d)
    if (d < first)
      before.push_back(x.shape()[d]);
    else if (d >= first + int(indices.size()))
      behind.push_back(x.shape()[d]);
  shape = indices[0].index.shape();
  for (const IndexTensor &i : indices) {
    try {
      shape = broadcastShapes(kWhat, shape, i.index.shape());
    } catch (const UserError &) {
      std::string all;
      for (const IndexTensor &each : indices)
        all += (all.empty() ? "" : ", ") + toString(each.index.shape());
      fail(Kind::Index, kWhat,
           "shape mismatch: indexing tensors could not be broadcast together; got shapes " + all + " for a tensor of " +
               toString(view.type()));
    }
  }
  for (IndexTensor &i : indices) {
    check(i.index, OperandCheck::index(kWhat, x.type(), x.shape()[i.dim], /*fromEnd=*/true));
    i.index = onDeviceOf(x, i.index);
  }
}

Tensor Indexed::flatIndex() const {
  Tensor index;
  for (const IndexTensor &i : indices) {
    int64_t size = x.shape()[i.dim];
    Tensor wrapped = wrapNegative(i.index, size);
    index = index.defined() ? call(OpKind::Add, {call(OpKind::Mul, {index, Tensor::wrapped(size)}), wrapped}) : wrapped;
  }
  return reshape(expand(index, shape), {shape.product()});
}

Tensor Indexed::unflatten(const Tensor &flat) const {
  Dims ordered, inverse(order.size(), 0);
  for (int i = 0; i < order.size(); ++i) {
    ordered.push_back(merged[int(order[i])]);
    inverse[int(order[i])] = i;
  }
  return reshape(permute(reshape(flat, ordered), inverse), viewShape);
}

std::vector<int64_t> Indexed::offsets() const {
  std::vector<int64_t> result(size_t(shape.product()), 0);
  for (const IndexTensor &i : indices) {
    Tensor host = expand(i.index.detach(), shape).contiguous();
    const auto *positions = static_cast<const int64_t *>(host.data());
    int64_t size = x.shape()[i.dim], stride = x.strides()[i.dim];
    for (size_t k = 0; k < result.size(); ++k)
      result[k] += (positions[k] < 0 ? positions[k] + size : positions[k]) * stride;
  }
  return result;
}

// ---------------------------------------------------------------- Moving elements

// Elements of x's memory and of row-major `values`, of shape result(), from one to the other.
void moveElements(const Indexed &at, void *memory, void *values, bool toValues) {
  const int64_t bytes = itemSize(at.x.dtype());
  const int n = at.dim(), count = int(at.indices.size());
  // One index at a time: the dimensions before and behind, as x has them and as the values do.
  Dims shape = joined(at.before, {}, at.behind), ofValues = contiguousStrides(at.result()), strides, valueStrides;
  for (int d = 0; d < shape.size(); ++d) {
    strides.push_back(at.x.strides()[d < n ? d : d + count]);
    valueStrides.push_back(ofValues[d < n ? d : d + at.shape.size()]);
  }
  const int64_t step = at.behind.product() * bytes;
  const bool run = at.before.product() == 1 && isRowMajor(at.behind, Dims(strides.begin() + n, strides.end()));
  std::vector<int64_t> offsets = at.offsets();
  for (size_t k = 0; k < offsets.size(); ++k) {
    char *mine = static_cast<char *>(memory) + offsets[k] * bytes,
         *other = static_cast<char *>(values) + int64_t(k) * step;
    if (run)
      std::memcpy(toValues ? other : mine, toValues ? mine : other, size_t(step));
    else if (toValues)
      copyStrided(shape, mine, strides, other, valueStrides, bytes);
    else
      copyStrided(shape, other, valueStrides, mine, strides, bytes);
  }
}

bool onHost(const Indexed &at) {
  bool all = at.x.device().isCpu();
  for (const IndexTensor &i : at.indices)
    all &= i.index.device().isCpu();
  return all && !Trace::active();
}

} // namespace

// ---------------------------------------------------------------- Reading

Tensor readAt(const Tensor &view, const std::vector<IndexTensor> &given) {
  if (isComplex(view.dtype()))
    return fromPairs(readAt(view.pairs(), given));
  Indexed at(view, given);
  Dims result = at.result();
  bool taped = gradEnabled() && view.requiresGrad();
  if (!taped && onHost(at)) {
    Snapshot now(&at.x, 1);
    at.x = *now.data();
    constexpr int64_t kFewBytes = 1 << 13; // are moved before a kernel has started
    bool isFew = result.product() * itemSize(at.x.dtype()) <= kFewBytes;
    // flat() is a copy of all, unless the dimensions are one in memory
    if (at.x.numel() > 0 && (isFew || !at.flat().sharesStorage(at.x))) {
      Tensor values = Tensor::empty(result, at.x.dtype());
      moveElements(at, at.x.data(), values.data(), /*toValues=*/true);
      return values;
    }
  }
  AlreadyChecked indices;
  return reshape(call(OpKind::IndexSelect, {at.flat(), at.flatIndex()}, {Attr::integer(at.dim())}), result);
}

// ---------------------------------------------------------------- Writing

static Tensor broadcastTo(const Tensor &value, const Dims &shape) {
  Tensor v = value;
  while (v.dim() > shape.size() && v.shape()[0] == 1) // PyTorch drops leading axes of size one
    v = select(v, 0, 0);
  bool fits = v.dim() <= shape.size();
  for (int i = 0; fits && i < v.dim(); ++i) {
    int64_t size = v.shape()[v.dim() - 1 - i];
    fits = size == 1 || size == shape[shape.size() - 1 - i];
  }
  if (!fits)
    fail(Kind::Runtime, kWhat,
         "shape mismatch: value tensor of shape " + toString(value.shape()) +
             " cannot be broadcast to indexing result of shape " + toString(shape));
  return expand(v, shape);
}

// A mask alone, and a value that is the same for all its elements: no position need be known.
static bool isUniform(const Tensor &view, const IndexTensor &mask, const Tensor &value) {
  return mask.index.dtype() == DType::Bool &&
         (value.numel() == 1 || value.dim() <= view.dim() - mask.dim - mask.index.dim());
}

static Tensor maskedValue(const Tensor &view, const IndexTensor &mask, Tensor value) {
  Dims ones(mask.dim, 1), behind(view.dim() - mask.dim - mask.index.dim(), 1);
  Tensor where = reshape(onDeviceOf(view, mask.index), joined(ones, mask.index.shape(), behind));
  if (value.numel() == 1)
    return maskedFill(view, where, value.dim() ? reshape(value, {}) : value);
  return call(OpKind::Where, {where, value, view});
}

// Only the elements at the positions, where they lie.
static void writeHere(Indexed &at, const Tensor &view, const Tensor &rows) {
  Tensor values = rows.contiguous();
  if (mayOverlap(values, at.x))
    values = values.clone();
  Tensor parts[] = {at.x, values};
  Snapshot now(parts, 2);
  at.x = now.data()[0];
  moveElements(at, at.x.data(), now.data()[1].data(), /*toValues=*/false);
  ++view.impl->storage->version;
}

void writeAt(const Tensor &base, const Tensor &view, const std::vector<IndexTensor> &given, const Tensor &givenValue,
             bool accumulate) {
  checkInPlace(kWhat, base);
  if (isComplex(view.dtype())) {
    Tensor value = convert(givenValue, view.dtype(), view.device());
    return writeAt(base.pairs(), view.pairs(), given, value.pairs(), accumulate);
  }
  Tensor value = givenValue;
  const bool isNumber = value.impl->wrappedNumber;
  if (!accumulate && given.size() == 1 && isUniform(view, given[0], value)) {
    if (isNumber || value.numel() == 1 || value.dtype() == view.dtype())
      return assign(base, view, maskedValue(view, given[0], value));
  }
  if (isNumber)
    value = constantOf(value, view.dtype(), view.device());
  else if (value.dtype() != view.dtype())
    fail(Kind::Runtime, kWhat,
         "Index put requires the source and destination dtypes match; got " + toString(value.type()) + " for " +
             toString(view.type()) + "; convert it with .to(dtype)");
  if (value.dim() == 0 && value.device().isCpu())
    value = value.to(view.device());
  Indexed at(view, given);
  Tensor rows = broadcastTo(value, at.result());
  if (rows.numel() == 0)
    return;
  const Tensor operands[] = {view, rows};
  if (!accumulate && !needsTape(kWhat, view, operands, 2) && onHost(at) && rows.device().isCpu() &&
      at.x.sharesStorage(view))
    return writeHere(at, view, rows);
  const int dim = at.dim();
  Tensor x = at.flat(), index = at.flatIndex();
  rows = reshape(rows, joined(at.before, {at.shape.product()}, at.behind));
  Dims along(rows.dim(), 1);
  along[dim] = rows.shape()[dim];
  AlreadyChecked indices;
  Tensor changed = call(accumulate ? OpKind::ScatterAdd : OpKind::Scatter,
                        {x, expand(reshape(index, along), rows.shape()), rows}, {Attr::integer(dim)});
  assign(base, view, at.unflatten(changed));
}

} // namespace weft
