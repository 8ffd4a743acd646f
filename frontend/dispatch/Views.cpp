// Views: no kernel runs, the tape and a trace record the op.
#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Complex.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/trace/Trace.h"

namespace weft {

using Kind = UserError::Kind;

static int normalised(const char *op, int64_t dim, int rank, const Dims &shape) {
  int64_t range = rank == 0 ? 1 : rank; // PyTorch lets a 0-d tensor have dim 0
  if (dim < -range || dim >= range)
    fail(Kind::Index, op,
         "Dimension out of range (expected to be in range of [" + std::to_string(-range) + ", " +
             std::to_string(range - 1) + "], but got " + std::to_string(dim) + "); got shape " + toString(shape));
  return int(dim < 0 ? dim + range : dim);
}
int normaliseDim(const char *op, int64_t dim, const Dims &shape) { return normalised(op, dim, shape.size(), shape); }

int axisOf(const char *op, int64_t dim, const Dims &shape) {
  if (shape.empty())
    fail(Kind::Index, op, "Dimension specified as " + std::to_string(dim) + " but tensor has no dimensions");
  return normaliseDim(op, dim, shape);
}

// What in-place operations need to know of a view.
static void noteBase(const Tensor &base, Tensor &view) {
  bool grad = gradEnabled();
  if (grad) {
    // A leaf that requires grad is a base even where its memory is part of another tensor's.
    bool isLeaf = base.impl->requiresGrad && !tapeNode(*base.impl);
    TensorImpl *root = isLeaf ? nullptr : base.impl->currentBase();
    view.impl->base = root ? Ref<TensorImpl>(root) : base.impl;
  }
  view.impl->noGradView = !grad || base.impl->noGradView;
  view.impl->viewsRequiring = base.impl->viewsRequiring || (!grad && base.requiresGrad());
}

// The result of a view op, recorded where somebody listens.
template <class MakeAttrs> static Tensor recordedReal(OpKind op, const Tensor &base, Tensor view, MakeAttrs makeAttrs) {
  Trace *trace = Trace::active();
  noteBase(base, view);
  bool taped = gradEnabled() && base.requiresGrad();
  if (!trace && !taped)
    return view;
  Attrs attrs = makeAttrs();
  if (trace)
    trace->recordView(op, base, attrs, view);
  if (taped) {
    recordOnTape(op, &base, 1, attrs, &view);
    TapeNode *node = tapeNode(*view.impl->base);
    view.impl->baseOrder = node ? node->order : 0;
  }
  return view;
}

template <class MakeAttrs> static Tensor recorded(OpKind op, const Tensor &base, Tensor view, MakeAttrs makeAttrs) {
  if (!isComplex(base.dtype()))
    return recordedReal(op, base, std::move(view), makeAttrs);
  recordedReal(op, base.pairs(), view.pairs(), [&] { return attrsOnPairs(op, makeAttrs()); });
  return view;
}

static Tensor recordedView(OpKind op, const Tensor &base, const Dims &attribute, Tensor view) {
  return recorded(op, base, std::move(view), [&] { return Attrs{Attr::list(attribute)}; });
}

static Tensor withStorage(const Tensor &t) {
  if (!t.impl->wrappedNumber)
    return t;
  return call(OpKind::Cast, &t, 1, {Attr::dtype(t.dtype() == DType::Float64 ? defaultDType() : t.dtype())});
}

// ---------------------------------------------------------------- reshape

// Replaces one -1 by the size that the number of elements asks for.
static Dims inferShape(const char *op, const Dims &shape, const Tensor &t) {
  int64_t numel = t.numel();
  Dims result = shape;
  int unknown = -1;
  int64_t known = 1;
  bool tooMany = false;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      if (unknown >= 0)
        fail(Kind::Runtime, op,
             "only one dimension can be inferred; got " + toStringAsGiven(shape) + " for " + toString(t.type()));
      unknown = i;
    } else if (shape[i] < 0) {
      fail(Kind::Runtime, op,
           "invalid shape dimension " + std::to_string(shape[i]) + "; got " + toStringAsGiven(shape) + " for " +
               toString(t.type()));
    } else {
      tooMany |= __builtin_mul_overflow(known, shape[i], &known);
    }
  }
  if (unknown >= 0 && known == 0)
    fail(Kind::Runtime, op,
         "cannot reshape tensor of " + std::to_string(numel) + " elements into shape " + toStringAsGiven(shape) +
             " because the unspecified dimension size -1 can be any value and is ambiguous");
  if (unknown >= 0 && !tooMany && numel % known == 0)
    result[unknown] = numel / known;
  else if (unknown >= 0 || tooMany || known != numel)
    fail(Kind::Runtime, op,
         "shape '" + toStringAsGiven(shape) + "' is invalid for input of size " + std::to_string(numel) + "; got " +
             toString(t.type()) + "; the new shape must have as many elements");
  checkSizes(op, {t.dtype(), result}); // beside a size of 0, others may still be too large
  return result;
}

// The strides that give `shape` on the memory of a view, false where there are none. Walks both shapes from the
// innermost axis: an axis of the new shape must lie within a run of old axes that are contiguous to each other.
static bool viewStrides(const Dims &oldShape, const Dims &oldStrides, const Dims &shape, Dims &strides) {
  strides = Dims(shape.size(), 1);
  if (oldShape.product() == 0) {
    strides = contiguousStrides(shape);
    return true;
  }
  int axis = shape.size() - 1;
  int64_t runStride = oldShape.empty() ? 1 : oldStrides.back(), runSize = 1, taken = 1;
  for (int i = oldShape.size() - 1; i >= 0; --i) {
    runSize *= oldShape[i];
    bool runEnds = i == 0 || (oldShape[i - 1] != 1 && oldStrides[i - 1] != runSize * runStride);
    if (!runEnds)
      continue;
    while (axis >= 0 && (taken < runSize || shape[axis] == 1)) {
      strides[axis] = taken * runStride;
      taken *= shape[axis--];
    }
    if (taken != runSize)
      return false;
    if (i > 0)
      runStride = oldStrides[i - 1];
    runSize = taken = 1;
  }
  return axis < 0 || oldShape.empty();
}

Tensor view(const Tensor &input, const Dims &requested) {
  Tensor t = withStorage(input);
  Dims shape = inferShape("view", requested, t), strides;
  if (!viewStrides(t.shape(), t.strides(), shape, strides))
    fail(Kind::Runtime, "view",
         "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
         "contiguous subspaces). Use .reshape(...) instead; got sizes " +
             toString(t.shape()) + ", strides " + toString(t.strides()) + " and view size " + toString(shape));
  return recordedView(OpKind::Reshape, t, shape, aliasOf(t, shape, strides, t.offset()));
}

Tensor viewAsDType(const Tensor &input, DType dtype) {
  Tensor t = withStorage(input);
  if (dtype == t.dtype())
    return view(t, t.shape());
  if (isComplex(t.dtype()) && dtype == partOf(t.dtype())) {
    Dims shape = t.shape();
    if (shape.empty())
      return viewAsReal(t);
    shape.back() *= 2;
    return view(viewAsReal(t), shape);
  }
  if (isComplex(dtype) && t.dtype() == partOf(dtype) && t.dim() > 0 && t.shape().back() % 2 == 0) {
    Dims shape = t.shape();
    shape.back() /= 2;
    shape.push_back(2);
    return viewAsComplex(view(t, shape));
  }
  if (isComplex(dtype) || isComplex(t.dtype()))
    fail(Kind::NotImplemented, "view",
         std::string("as ") + name(dtype) + "; got " + toString(t.type()) +
             "; use view_as_real() or view_as_complex()");
  if (dtype == DType::Bool)
    fail(Kind::NotImplemented, "view", "bytes as bool may be neither; got " + toString(t.type()) + "; compare with 0");
  if (Trace *trace = Trace::active(); trace && (trace->isFunction() || trace->isExport()))
    fail(Kind::NotImplemented, "view",
         "to another dtype under vmap or in an exported program; got " + toString(t.type()) + "; do it outside");
  int64_t from = itemSize(t.dtype()), to = itemSize(dtype), ratio = from > to ? from / to : to / from;
  Dims shape = t.shape(), strides = t.strides();
  int64_t offset = t.offset();
  int last = t.dim() - 1;
  if (ratio > 1) {
    bool fits = last >= 0 && strides[last] == 1 && (from > to || (shape[last] % ratio == 0 && offset % ratio == 0));
    for (int i = 0; i < last && fits; ++i) {
      fits = from > to || strides[i] % ratio == 0 || shape[i] < 2;
      strides[i] = from > to ? strides[i] * ratio : strides[i] / ratio;
    }
    if (!fits)
      fail(Kind::Runtime, "view",
           std::string("as ") + name(dtype) +
               ", of another size, needs a last dimension of stride 1 and, for a larger dtype, " +
               "size, offset and other strides divisible by " + std::to_string(ratio) + "; got " + toString(t.type()) +
               ", strides " + toString(t.strides()) + " and offset " + std::to_string(offset) +
               "; call contiguous() first");
    shape[last] = from > to ? shape[last] * ratio : shape[last] / ratio;
    offset = from > to ? offset * ratio : offset / ratio;
  }
  if (Trace *trace = Trace::active())
    trace->flush("a view of another dtype"); // what was recorded has its memory then
  Tensor result = aliasOf(t, shape, strides, offset);
  result.impl->dtype = dtype;
  return result;
}

Tensor reshape(const Tensor &input, const Dims &requested) {
  Tensor t = withStorage(input);
  Dims shape = inferShape("reshape", requested, t), strides;
  if (!viewStrides(t.shape(), t.strides(), shape, strides))
    return applyKernel(OpKind::Reshape, &t, 1, {Attr::list(shape)});
  return recordedView(OpKind::Reshape, t, shape, aliasOf(t, shape, strides, t.offset()));
}

Tensor unsqueeze(const Tensor &t, int dim) {
  int axis = normalised("unsqueeze", dim, t.dim() + 1, t.shape());
  Dims shape = t.shape(), strides = t.strides();
  if (shape.size() == kMaxRank)
    fail(Kind::Runtime, "unsqueeze", "at most " + std::to_string(kMaxRank) + " dimensions are supported");
  strides.insert(axis, axis < shape.size() ? shape[axis] * strides[axis] : 1);
  shape.insert(axis, 1);
  return recordedView(OpKind::Reshape, t, shape, aliasOf(t, shape, strides, t.offset()));
}

static Tensor squeezeWhere(const Tensor &t, uint64_t axes) {
  Dims shape, strides;
  for (int i = 0; i < t.dim(); ++i)
    if (t.shape()[i] != 1 || !(axes >> i & 1)) {
      shape.push_back(t.shape()[i]);
      strides.push_back(t.strides()[i]);
    }
  return recordedView(OpKind::Reshape, t, shape, aliasOf(t, shape, strides, t.offset()));
}
Tensor squeeze(const Tensor &t) { return squeezeWhere(t, ~uint64_t(0)); }
Tensor squeeze(const Tensor &t, int dim) {
  return squeezeWhere(t, uint64_t(1) << normaliseDim("squeeze", dim, t.shape()));
}
Tensor squeeze(const Tensor &t, const Dims &dims) {
  uint64_t axes = 0;
  for (int64_t dim : dims) {
    uint64_t axis = uint64_t(1) << normaliseDim("squeeze", dim, t.shape());
    if (axes & axis)
      fail(Kind::Runtime, "squeeze",
           "dim " + std::to_string(dim) + " names a dimension twice; got dims " + toStringAsGiven(dims));
    axes |= axis;
  }
  return squeezeWhere(t, axes);
}

Tensor flatten(const Tensor &t, int startDim, int endDim) {
  int start = normaliseDim("flatten", startDim, t.shape()), end = normaliseDim("flatten", endDim, t.shape());
  if (start > end)
    fail(Kind::Runtime, "flatten",
         "start_dim cannot come after end_dim; got " + std::to_string(startDim) + " and " + std::to_string(endDim));
  if (t.dim() == 0)
    return reshape(t, {1});
  if (start == end)
    return t;
  Dims shape(t.shape().begin(), t.shape().begin() + start);
  shape.push_back(1);
  for (int i = start; i <= end; ++i)
    shape[start] *= t.shape()[i];
  for (int i = end + 1; i < t.dim(); ++i)
    shape.push_back(t.shape()[i]);
  return reshape(t, shape);
}

// ---------------------------------------------------------------- permute, expand

Tensor permute(const Tensor &t, const Dims &requested) {
  if (requested.size() != t.dim())
    fail(Kind::Runtime, "permute",
         "the number of dims in the order must be that of the tensor; got " + toStringAsGiven(requested) + " for " +
             toString(t.type()));
  Dims order, shape, strides;
  for (int64_t dim : requested) {
    int axis = normaliseDim("permute", dim, t.shape());
    if (order.contains(axis))
      fail(Kind::Runtime, "permute", "duplicate dims are not allowed in the order; got " + toStringAsGiven(requested));
    order.push_back(axis);
    shape.push_back(t.shape()[axis]);
    strides.push_back(t.strides()[axis]);
  }
  return recordedView(OpKind::Permute, t, order, aliasOf(t, shape, strides, t.offset()));
}

Tensor transpose(const Tensor &t, int dim0, int dim1) {
  int a = normaliseDim("transpose", dim0, t.shape()), b = normaliseDim("transpose", dim1, t.shape());
  if (t.dim() == 0)
    return t;
  Dims order;
  for (int i = 0; i < t.dim(); ++i)
    order.push_back(i == a ? b : i == b ? a : i);
  return permute(t, order);
}

Tensor expand(const Tensor &input, const Dims &requested) {
  Tensor t = withStorage(input);
  int added = requested.size() - t.dim();
  if (added < 0)
    fail(Kind::Runtime, "expand",
         "the number of sizes provided (" + std::to_string(requested.size()) +
             ") must be greater or equal to the number of dimensions in the tensor (" + std::to_string(t.dim()) +
             "); got " + toString(t.type()) + " and " + toStringAsGiven(requested));
  Dims shape = requested, strides(requested.size(), 0);
  for (int i = 0; i < requested.size(); ++i) {
    int64_t size = i < added ? 1 : t.shape()[i - added];
    if (shape[i] == -1 && i >= added)
      shape[i] = size;
    if (shape[i] == size && i >= added)
      strides[i] = t.strides()[i - added];
    else if (size != 1 || shape[i] < 0)
      fail(Kind::Runtime, "expand",
           "The expanded size of the tensor (" + std::to_string(requested[i]) + ") must match the existing size (" +
               std::to_string(size) + ") at non-singleton dimension " + std::to_string(i) +
               ". Target sizes: " + toStringAsGiven(requested) + ". Tensor sizes: " + toString(t.shape()));
  }
  if (shape == t.shape())
    return t;
  checkSizes("expand", {t.dtype(), shape});
  return recordedView(OpKind::Expand, t, shape, aliasOf(t, shape, strides, t.offset()));
}

static int rankOf(MemoryFormat format) { return format == MemoryFormat::ChannelsLast ? 4 : 5; }

// Its dimensions by falling stride.
static Dims channelsLast(int rank) {
  Dims order{0};
  for (int i = 2; i < rank; ++i)
    order.push_back(i);
  order.push_back(1);
  return order;
}

static bool hasOrder(MemoryFormat format) {
  return format == MemoryFormat::ChannelsLast || format == MemoryFormat::ChannelsLast3d;
}

bool isInFormat(const Tensor &t, MemoryFormat format) {
  if (!hasOrder(format))
    return t.isContiguous();
  if (t.dim() != rankOf(format))
    return false;
  Dims shape, strides;
  for (int64_t axis : channelsLast(t.dim())) {
    shape.push_back(t.shape()[int(axis)]);
    strides.push_back(t.strides()[int(axis)]);
  }
  return isRowMajor(shape, strides);
}

Tensor inFormat(const char *op, const Tensor &t, MemoryFormat format) {
  if (!hasOrder(format))
    return format == MemoryFormat::Preserve ? t : t.contiguous();
  if (t.dim() != rankOf(format))
    fail(Kind::Runtime, op,
         "required rank " + std::to_string(rankOf(format)) + " tensor to use the channels_last format; got " +
             toString(t.type()));
  if (isInFormat(t, format))
    return t;
  Tensor copy = permute(t, channelsLast(t.dim())).contiguous();
  Dims back{0, t.dim() - 1};
  for (int i = 1; i < t.dim() - 1; ++i)
    back.push_back(i);
  return permute(copy, back);
}

Tensor asStrided(const Tensor &input, const Dims &shape, const Dims &strides, int64_t offset) {
  Tensor t = withStorage(input);
  if (isComplex(t.dtype()) && shape.size() == strides.size()) {
    Dims sizes = shape, steps = strides;
    for (int64_t &step : steps)
      step *= 2;
    sizes.push_back(2);
    steps.push_back(1);
    return fromPairs(asStrided(t.pairs(), sizes, steps, offset * 2));
  }
  if (shape.size() != strides.size())
    fail(Kind::Runtime, "as_strided",
         "mismatch in length of strides and shape; got shape " + toStringAsGiven(shape) + " and strides " +
             toStringAsGiven(strides));
  int64_t last = offset; // of the elements, in the memory
  bool isEmpty = false, isOutside = offset < 0;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0)
      fail(Kind::Runtime, "as_strided",
           "a size must not be negative; got " + toStringAsGiven(shape) + "; pass the size of each dimension");
    if (strides[i] < 0)
      fail(Kind::Runtime, "as_strided",
           "Negative strides are not supported at the moment, got strides: " + toStringAsGiven(strides) +
               "; use flip()");
    isEmpty |= shape[i] == 0;
    int64_t extent = 0;
    isOutside |= shape[i] > 1 && (__builtin_mul_overflow(shape[i] - 1, strides[i], &extent) ||
                                  __builtin_add_overflow(last, extent, &last));
  }
  checkSizes("as_strided", {t.dtype(), shape});
  int64_t held = t.impl->storage->bytes / itemSize(t.dtype());
  if (isEmpty ? offset < 0 : isOutside || last >= held)
    fail(Kind::Runtime, "as_strided",
         "setStorage: sizes " + toStringAsGiven(shape) + ", strides " + toStringAsGiven(strides) + ", storage offset " +
             std::to_string(offset) + ", and itemsize " + std::to_string(itemSize(t.dtype())) +
             " reach past the storage of " + std::to_string(held) + " elements; got " + toString(t.type()));
  Tensor view = aliasOf(t, shape, strides, offset);
  noteBase(t, view);
  if (!gradEnabled() || !t.requiresGrad())
    return view;
  if (const TensorImpl &base = *view.impl->base;
      !isEmpty && (offset < base.offset || last >= base.offset + base.shape.product()))
    fail(Kind::Runtime, "as_strided",
         "under grad mode the view must lie within the tensor of whose memory it is; got elements " +
             std::to_string(offset) + " to " + std::to_string(last) + ", and a tensor of " +
             std::to_string(base.shape.product()) + " from " + std::to_string(base.offset) + " on; detach() it first");
  view.impl->baseOrder = ~uint64_t(0); // its history is still to be made
  refreshHistory(view);
  return view;
}

Dims broadcastShapes(const char *op, const Dims &a, const Dims &b) {
  const Dims &longer = a.size() >= b.size() ? a : b, &shorter = a.size() >= b.size() ? b : a;
  Dims result = longer;
  int shift = longer.size() - shorter.size();
  for (int i = 0; i < shorter.size(); ++i) {
    int64_t x = longer[i + shift], y = shorter[i];
    if (x != y && x != 1 && y != 1)
      fail(Kind::Runtime, op,
           "The size of tensor a (" + std::to_string(a[a.size() - shorter.size() + i]) +
               ") must match the size of tensor b (" + std::to_string(b[b.size() - shorter.size() + i]) +
               ") at non-singleton dimension " + std::to_string(i + shift) + "; got shapes " + toString(a) + " and " +
               toString(b));
    result[i + shift] = x == 1 ? y : x;
  }
  return result;
}

std::vector<Tensor> broadcastTensors(const std::vector<Tensor> &tensors) {
  Dims shape;
  for (const Tensor &t : tensors)
    shape = broadcastShapes("broadcast_tensors", shape, t.shape());
  std::vector<Tensor> result;
  for (const Tensor &t : tensors)
    result.push_back(expand(t, shape));
  return result;
}

// ---------------------------------------------------------------- slice

Tensor slice(const Tensor &t, int dim, int64_t start, int64_t stop, int64_t step) {
  if (t.dim() == 0)
    fail(Kind::Index, "slice", "slice() cannot be applied to a 0-dim tensor.");
  if (step <= 0)
    fail(Kind::Value, "slice", "step must be greater than zero; use flip() to reverse an axis");
  int axis = normaliseDim("slice", dim, t.shape());
  int64_t size = t.shape()[axis];
  auto clamp = [&](int64_t at) { return at < 0 ? (at + size < 0 ? 0 : at + size) : at > size ? size : at; };
  start = clamp(start);
  stop = clamp(stop);
  if (stop < start)
    stop = start;
  if (start == 0 && stop == size && step == 1)
    return t;
  Dims shape = t.shape(), strides = t.strides();
  shape[axis] = stop > start ? (stop - start - 1) / step + 1 : 0;
  if (shape[axis] <= 1)
    step = 1; // one of any size gives that
  strides[axis] *= step;
  Tensor result = aliasOf(t, shape, strides, t.offset() + start * t.strides()[axis]);
  return recorded(OpKind::Slice, t, std::move(result), [&] {
    Dims starts(t.dim(), 0), steps(t.dim(), 1);
    starts[axis] = start;
    steps[axis] = step;
    return Attrs{Attr::list(starts), Attr::list(shape), Attr::list(steps)};
  });
}

Tensor narrow(const Tensor &t, int dim, int64_t start, int64_t length) {
  int axis = normaliseDim("narrow", dim, t.shape());
  int64_t size = t.dim() ? t.shape()[axis] : 0;
  if (start < -size || start > size)
    fail(Kind::Index, "narrow",
         "start out of range (expected to be in range of [" + std::to_string(-size) + ", " + std::to_string(size) +
             "], but got " + std::to_string(start) + ")");
  int64_t first = start < 0 ? start + size : start;
  if (length < 0 || length > size - first)
    fail(Kind::Runtime, "narrow",
         "start (" + std::to_string(start) + ") + length (" + std::to_string(length) + ") exceeds dimension size (" +
             std::to_string(size) + ")");
  return slice(t, axis, first, first + length);
}

Tensor select(const Tensor &t, int dim, int64_t index) {
  if (t.dim() == 0)
    fail(Kind::Index, "select", "select() cannot be applied to a 0-dim tensor.");
  int axis = normaliseDim("select", dim, t.shape());
  int64_t size = t.shape()[axis];
  if (index < -size || index >= size)
    fail(Kind::Index, "select",
         "index " + std::to_string(index) + " is out of bounds for dimension " + std::to_string(axis) + " with size " +
             std::to_string(size));
  int64_t at = index < 0 ? index + size : index;
  return squeeze(slice(t, axis, at, at + 1), axis);
}

std::vector<Tensor> split(const Tensor &t, const std::vector<int64_t> &sizes, int dim) {
  int axis = normaliseDim("split", dim, t.shape());
  int64_t rest = t.dim() ? t.shape()[axis] : -1;
  for (int64_t size : sizes) {
    if (size < 0)
      fail(Kind::Runtime, "split",
           "split_with_sizes expects split_sizes have only non-negative entries; got " + std::to_string(size) +
               " for " + toString(t.type()));
    rest = size > rest ? -1 : rest - size;
  }
  if (rest != 0)
    fail(Kind::Runtime, "split",
         "the sizes must sum to the size of dimension " + std::to_string(dim) + " of " + toString(t.type()));
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    parts.push_back(slice(t, axis, start, start + size));
    start += size;
  }
  return parts;
}

std::vector<Tensor> split(const Tensor &t, int64_t size, int dim) {
  int axis = normaliseDim("split", dim, t.shape());
  if (t.dim() == 0 || size <= 0)
    fail(Kind::Runtime, "split",
         "split_size must be positive and the tensor have a dimension; got split_size=" + std::to_string(size) +
             " for " + toString(t.type()));
  std::vector<int64_t> sizes;
  int64_t rest = t.shape()[axis];
  do {
    sizes.push_back(rest < size ? rest : size);
    rest -= sizes.back();
  } while (rest > 0);
  return split(t, sizes, axis);
}

std::vector<Tensor> chunk(const Tensor &t, int64_t chunks, int dim) {
  if (chunks <= 0)
    fail(Kind::Runtime, "chunk", "chunks must be greater than 0; got " + std::to_string(chunks));
  int64_t size = t.size(dim);
  return split(t, std::max<int64_t>(1, size / chunks + (size % chunks != 0)), dim);
}

} // namespace weft
