// How views map indices: by dimensions where they can, so that fusion can compare iteration spaces.
#include "ir/OpAccess.h"
#include "passes/FusionGraph.h"

#include <optional>

using namespace mlir;

namespace weft {

View identityView(const Dims &shape) {
  View view;
  for (int i = 0; i < shape.size(); ++i)
    view.map.push_back(shape[i] == 1 ? -1 : i);
  return view;
}

namespace {

// The axes of two shapes of equal sizes but for ones: entry i is the axis of `to` that axis i of `from` is, -1 for
// ones.
std::optional<Dims> axesButOnes(const Dims &from, const Dims &to) {
  Dims axes;
  int j = 0;
  for (int i = 0; i < from.size(); ++i) {
    if (from[i] == 1) {
      axes.push_back(-1);
      continue;
    }
    while (j < to.size() && to[j] == 1)
      ++j;
    if (j == to.size() || to[j] != from[i])
      return {};
    axes.push_back(j++);
  }
  for (; j < to.size(); ++j)
    if (to[j] != 1)
      return {};
  return axes;
}

} // namespace

View throughView(const View &view, Operation *op, int operand) {
  View result = view;
  Dims to = shapeOf(op->getResult(0)), from = shapeOf(op->getOperand(operand));
  result.map = Dims(from.size(), -1);
  switch (kindOf(op)) {
  // Named: each op has an index map of its own.
  case OpKind::Reshape: {
    std::optional<Dims> axes = axesButOnes(from, to);
    result.dimensions &= axes.has_value();
    if (result.dimensions)
      for (int i = 0; i < from.size(); ++i)
        result.map[i] = (*axes)[i] < 0 ? -1 : view.map[int((*axes)[i])];
    return result;
  }
  case OpKind::Permute: {
    Dims dims = intsOf(op, "dims");
    int64_t last = -1; // the row-major order stays if only axes of size one move
    for (int i = 0; i < dims.size(); ++i)
      if (to[i] != 1) {
        result.reshape &= dims[i] > last;
        last = dims[i];
      }
    for (int i = 0; result.dimensions && i < dims.size(); ++i)
      result.map[int(dims[i])] = view.map[i];
    return result;
  }
  case OpKind::Expand: {
    int lead = to.size() - from.size();
    for (int i = 0; i < to.size(); ++i) {
      bool grows = (i < lead || from[i - lead] == 1) && to[i] != 1;
      result.repeats |= grows;
      result.reshape &= !grows;
      if (i >= lead && from[i - lead] != 1 && result.dimensions)
        result.map[i - lead] = view.map[i];
    }
    return result;
  }
  case OpKind::Concatenate:
    result.repeats |= op->getNumOperands() > 1; // every input is evaluated for every element
    break;
  default: // slice, pad, flip
    break;
  }
  result.dimensions = result.reshape = false;
  return result;
}

namespace {

struct Layout {
  Dims shape;
  bool contiguous;
  std::optional<Dims> strides; // none: contiguous, of sizes whose products have no number (ir/Dims.h)
  // Whether the first element is not where the tensor's is, and whether by symbols.
  bool moved = false, movedBySymbol = false;
};

std::optional<int64_t> times(std::optional<int64_t> a, int64_t b) {
  return a ? sizeProduct(Dims{*a, b}) : std::nullopt;
}

// a / b, where every factor of b is one of a.
std::optional<int64_t> quotient(int64_t a, int64_t b) {
  SizeFactors left = factorsOf(a), right = factorsOf(b);
  if (right.constant == 0 || left.constant % right.constant != 0)
    return {};
  for (int64_t symbol : right.symbols) {
    int at = 0;
    while (at < left.symbols.size() && left.symbols[at] != symbol)
      ++at;
    if (at == left.symbols.size())
      return {};
    left.symbols.erase(at);
  }
  return sizeProduct(left.constant / right.constant, left.symbols);
}

std::optional<Dims> rowMajorStrides(const Dims &shape) {
  Dims strides(shape.size(), 1);
  std::optional<int64_t> stride = 1;
  for (int i = shape.size() - 1; i >= 0 && stride; --i) {
    strides[i] = *stride;
    stride = times(stride, shape[i] == 0 ? 1 : shape[i]);
  }
  return stride ? std::optional<Dims>(strides) : std::nullopt;
}

// The strides of a reshaped layout: the axes of the new shape are split from, or merged of, neighbouring old axes.
std::optional<Dims> reshapedStrides(const Layout &from, const Dims &to) {
  Dims shape, strides;
  for (int i = 0; i < from.shape.size(); ++i)
    if (from.shape[i] != 1) {
      shape.push_back(from.shape[i]);
      strides.push_back((*from.strides)[i]);
    }
  Dims result(to.size(), 0);
  int i = 0, j = 0;
  while (i < shape.size()) {
    int64_t have = shape[i], want = 1;
    int lastOld = i++;
    int firstNew = j;
    while (want != have || (j < to.size() && to[j] == 1)) {
      std::optional<int64_t> next;
      if (quotient(have, want)) {
        if (j == to.size() || !(next = times(want, to[j])))
          return {};
        ++j;
        want = *next;
      } else {
        if (i == shape.size() || times(strides[i], shape[i]) != strides[lastOld] || !(next = times(have, shape[i])))
          return {};
        have = *next;
        lastOld = i++;
      }
    }
    std::optional<int64_t> stride = strides[lastOld];
    for (int k = j - 1; k >= firstNew; --k) {
      if (!stride)
        return {};
      result[k] = *stride;
      stride = times(stride, to[k]);
    }
  }
  return result;
}

std::optional<Layout> layoutOf(Value value, llvm::function_ref<bool(Operation *)> floats) {
  Operation *op = value.getDefiningOp();
  Dims shape = shapeOf(value);
  if (!op || !floats(op)) {
    Layout layout{shape, true, rowMajorStrides(shape)};
    if (auto argument = dyn_cast<BlockArgument>(value))
      if (auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
        if (auto strides = func.getArgAttrOfType<DenseI64ArrayAttr>(argument.getArgNumber(), "weft.strides")) {
          Dims given(strides.asArrayRef().begin(), strides.asArrayRef().end());
          layout.contiguous = layout.strides && *layout.strides == given;
          layout.strides = given;
        }
    return layout;
  }
  if (familyOf(op) != OpFamily::Shape || op->getNumOperands() != 1)
    return {};
  std::optional<Layout> from = layoutOf(op->getOperand(0), floats);
  if (!from)
    return {};
  Layout to{shape, false, {}, from->moved, from->movedBySymbol};
  switch (kindOf(op)) {
  case OpKind::Reshape: {
    if (from->contiguous)
      return Layout{shape, true, rowMajorStrides(shape), from->moved, from->movedBySymbol};
    if (std::optional<Dims> axes = axesButOnes(shape, from->shape)) {
      if (from->strides) {
        Dims strides;
        for (int64_t axis : *axes)
          strides.push_back(axis < 0 ? 0 : (*from->strides)[int(axis)]);
        to.strides = strides;
      }
      return to;
    }
    if (!from->strides || from->shape.contains(0))
      return {};
    to.strides = reshapedStrides(*from, shape);
    return to.strides ? std::optional<Layout>(to) : std::nullopt;
  }
  case OpKind::Permute: {
    if (from->strides) {
      Dims strides;
      for (int64_t dim : intsOf(op, "dims"))
        strides.push_back((*from->strides)[int(dim)]);
      to.strides = strides;
    }
    return to;
  }
  case OpKind::Expand: {
    to.contiguous = shape == from->shape && from->contiguous;
    if (from->strides) {
      int lead = shape.size() - from->shape.size();
      Dims strides;
      for (int i = 0; i < shape.size(); ++i)
        strides.push_back(i < lead || from->shape[i - lead] == 1 ? 0 : (*from->strides)[i - lead]);
      to.strides = strides;
    }
    return to;
  }
  case OpKind::Slice: {
    Dims strides, starts = intsOf(op, "starts"), steps = intsOf(op, "steps");
    for (int i = 0; i < shape.size(); ++i) {
      std::optional<int64_t> stride = from->strides ? times((*from->strides)[i], steps[i]) : std::nullopt;
      if (starts[i] != 0) { // where it begins is a number, or one product (codegen/evaluate/StridedView.cpp)
        if (!stride || (to.moved && (to.movedBySymbol || isSymbol(*stride))))
          return {};
        to.moved = true;
        to.movedBySymbol |= isSymbol(*stride);
      }
      if (stride)
        strides.push_back(*stride);
    }
    if (strides.size() == shape.size())
      to.strides = strides;
    return to;
  }
  default:
    return {};
  }
}

} // namespace

bool isStridedView(Value value, llvm::function_ref<bool(Operation *)> floats) {
  return layoutOf(value, floats).has_value();
}

} // namespace weft
