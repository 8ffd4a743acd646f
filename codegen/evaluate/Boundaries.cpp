// Which axes a kernel must tell apart: the others act as one, and the loop over them is flat.
#include "codegen/evaluate/Evaluator.h"
#include "ir/OpTable.h"

using namespace mlir;

namespace weft {

// The boundaries on both sides of every dimension that `changes` names.
static Boundaries around(int rank, llvm::function_ref<bool(int)> changes) {
  Boundaries result = 0;
  for (int dim = 0; dim < rank; ++dim)
    if (changes(dim))
      result |= boundary(dim) | boundary(dim + 1);
  return result & allBoundaries(rank);
}

SmallVector<bool> expandedDims(const Sizes &from, const Sizes &to) {
  int lead = int(to.size() - from.size());
  SmallVector<bool> expanded;
  for (int dim = 0; dim < int(to.size()); ++dim) {
    bool repeats = dim < lead || (from[dim - lead].is(1) && !to[dim].is(1));
    if (dim > lead && to[dim].is(1))
      repeats = expanded.back();
    expanded.push_back(repeats);
  }
  return expanded;
}

Boundaries ownBoundaries(Operation *op) {
  Value result = op->getResult(0);
  Sizes shape = sizesOf(result);
  int rank = int(shape.size());
  Boundaries wanted = 0;
  auto isIn = [](const std::vector<int64_t> &dims) {
    return [&dims](int dim) { return llvm::is_contained(dims, dim); };
  };
  switch (kindOf(op)) { // named: each op has an index map of its own
  case OpKind::Expand: {
    SmallVector<bool> expanded = expandedDims(sizesOf(op->getOperand(0)), shape);
    for (int dim = 1; dim < rank; ++dim)
      if (expanded[dim] != expanded[dim - 1])
        wanted |= boundary(dim);
    return wanted;
  }
  case OpKind::Permute: {
    std::vector<int64_t> dims = intsAttr(op, "dims");
    for (int dim = 1; dim < rank; ++dim)
      if (dims[dim] != dims[dim - 1] + 1)
        wanted |= boundary(dim);
    return wanted;
  }
  case OpKind::Slice:
  case OpKind::Pad: {
    Sizes from = sizesOf(op->getOperand(0));
    return around(rank, [&](int dim) { return from[dim] != shape[dim]; });
  }
  case OpKind::Flip: {
    std::vector<int64_t> dims = intsAttr(op, "dims");
    return around(rank, isIn(dims));
  }
  case OpKind::Concatenate:
  case OpKind::Iota:
  case OpKind::IndexSelect: {
    int64_t along = intAttr(op, "dim");
    return around(rank, [&](int dim) { return dim == along; });
  }
  case OpKind::Gather: {
    int64_t along = intAttr(op, "dim");
    Sizes from = sizesOf(op->getOperand(0));
    return around(rank, [&](int dim) { return dim == along || from[dim] != shape[dim]; });
  }
  default:
    break;
  }
  if (familyOf(op) != OpFamily::Reduction)
    return 0;
  // A run of reduced dimensions parts the kept ones before it from those behind.
  std::vector<int64_t> dims = intsAttr(op, "dims");
  bool keep = boolAttr(op, "keepdim");
  int operandRank = int(sizesOf(op->getOperand(0)).size());
  auto isReduced = [&](int dim) { return llvm::is_contained(dims, dim); };
  for (int dim = 1, at = keep || !isReduced(0); dim < operandRank; ++dim) {
    if (isReduced(dim) != isReduced(dim - 1))
      wanted |= boundary(at);
    at += keep || !isReduced(dim);
  }
  return wanted & allBoundaries(rank);
}

// The boundaries of a reduction's result that its operand wants.
static Boundaries throughReduction(Operation *op, Boundaries theirs) {
  if (boolAttr(op, "keepdim"))
    return theirs;
  std::vector<int64_t> dims = intsAttr(op, "dims");
  Boundaries wanted = 0;
  for (int dim = 0, at = 0; dim < int(sizesOf(op->getOperand(0)).size()); ++dim) {
    if (llvm::is_contained(dims, dim))
      continue;
    if (theirs & boundary(dim))
      wanted |= boundary(at);
    ++at;
  }
  return wanted;
}

static Boundaries wantedOf(Value value, const llvm::DenseMap<Value, Storage> &inputs,
                           llvm::DenseMap<Value, Boundaries> &known) {
  if (auto at = known.find(value); at != known.end())
    return at->second;
  Boundaries wanted = 0;
  Sizes shape = sizesOf(value);
  int rank = int(shape.size());
  if (auto at = inputs.find(value); at != inputs.end()) {
    wanted = stridedBoundaries(at->second.shape, at->second.strides);
  } else if (Operation *op = value.getDefiningOp()) {
    wanted = ownBoundaries(op);
    for (Value operand : op->getOperands()) {
      Boundaries theirs = wantedOf(operand, inputs, known);
      Sizes from = sizesOf(operand);
      switch (kindOf(op)) {
      case OpKind::Reshape:
        wanted |= reshapedBoundaries(shape, from, theirs);
        break;
      case OpKind::Expand:
        wanted |= theirs << (shape.size() - from.size());
        break;
      case OpKind::Permute: {
        std::vector<int64_t> dims = intsAttr(op, "dims");
        for (int dim = 1; dim < rank; ++dim)
          if (theirs & boundary(int(dims[dim])))
            wanted |= boundary(dim);
        break;
      }
      default:
        if (familyOf(op) == OpFamily::Reduction)
          wanted |= throughReduction(op, theirs);
        else if (from.size() == shape.size())
          wanted |= theirs;
      }
    }
  }
  wanted &= allBoundaries(rank);
  known[value] = wanted;
  return wanted;
}

Boundaries wantedBoundaries(Value value, const llvm::DenseMap<Value, Storage> &inputs) {
  llvm::DenseMap<Value, Boundaries> known;
  return wantedOf(value, inputs, known);
}

} // namespace weft
