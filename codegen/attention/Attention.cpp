#include "codegen/attention/AttentionKernel.h"
#include "codegen/attention/CausalMask.h"
#include "ir/kernel/CanonicalOrder.h"

#include <stdexcept>

using namespace mlir;

namespace weft {

static MatrixOperand matrixOperand(Operation *dot, int operand, const llvm::DenseMap<Value, Storage> &inputs) {
  StringRef side = operand ? "rhs" : "lhs";
  MatrixOperand result;
  result.value = dot->getOperand(operand);
  std::optional<Storage> storage = stridedView(result.value, inputs);
  if (!storage)
    throw std::runtime_error("[codegen] an operand of attention is no strided view of a tensor in memory");
  result.storage = *storage;
  result.batch = intsAttr(dot, (side + "_batch").str());
  result.contract = int(intsAttr(dot, (side + "_contract").str()).front());
  for (int axis = 0; axis < int(storage->shape.size()); ++axis)
    if (axis != result.contract && !llvm::is_contained(result.batch, axis))
      result.free = axis;
  return result;
}

AttentionParts::AttentionParts(Lowering &lowering, const Group &group) {
  for (int64_t dim : intsAttr(group.op, "space"))
    space.push_back(Size::ofDim(dim));
  batches = int(space.size()) - 2;
  heads = product(space, 0, batches);
  rows = space[batches];
  columns = space[batches + 1];

  llvm::DenseMap<Value, Storage> inputs = lowering.inputs(group);
  llvm::DenseSet<Value> scores; // and what depends on them
  for (Operation *op : group.ops) {
    if (familyOf(op) != OpFamily::Contraction) {
      if (llvm::any_of(op->getOperands(), [&](Value operand) { return scores.contains(operand); }))
        scores.insert(op->getResult(0));
      continue;
    }
    bool left = scores.contains(op->getOperand(0)), right = scores.contains(op->getOperand(1));
    if (!left && !right) {
      into.push_back({op, matrixOperand(op, 0, inputs), matrixOperand(op, 1, inputs)});
      scores.insert(op->getResult(0));
      continue;
    }
    int64_t contracted = intsAttr(op, left ? "lhs_contract" : "rhs_contract").front();
    outOf.push_back(
        {op, op->getOperand(left ? 0 : 1), left, contracted == batches, matrixOperand(op, left ? 1 : 0, inputs)});
  }
}

using order::kProductBlock;
static constexpr int64_t kRowPadding = 16; // rows a power of two apart would share sets of the cache

AttentionKernel::AttentionKernel(Lowering &lowering, const Group &group)
    : lowering(lowering), group(group), kernel(lowering, group), k(kernel.k), parts(lowering, group),
      causal((parts.isStatic() || parts.rows == parts.columns) && hidesLaterColumns(group, parts)) {
  overRows = llvm::any_of(parts.outOf, [](const ResultProduct &product) { return product.overRows; });
  const CostModel &model = lowering.model;
  int64_t columns = lowering.estimate(parts.columns);
  blockRows = causal ? model.causalRows : model.attentionRows;
  while (blockRows > model.leastAttentionRows && blockRows * columns > model.attentionElements)
    blockRows /= 2;
  blocks = *ceilDivide(parts.rows, blockRows);
  heldRows = overRows ? kProductBlock : blockRows;
}

Value AttentionKernel::rowStride() {
  Value padding = k.index(kRowPadding), whole = k.size(*ceilDivide(parts.columns, kRowPadding) * Size(kRowPadding));
  return k.add(whole, padding);
}

// Where the number of columns is a symbol, twice as many are no fewer than a row and its padding.
Size AttentionKernel::rowElements() const {
  Size whole = *ceilDivide(parts.columns, kRowPadding) * Size(kRowPadding);
  return whole.isStatic() ? Size(whole.constant + kRowPadding) : whole * Size(2);
}

Value AttentionKernel::atMost(int64_t most, Value first, const Size &all) {
  if (all.isStatic() && all.constant <= most)
    return k.size(all);
  return all.isStatic() && all.constant % most == 0 ? k.index(most) : k.min(k.index(most), k.sub(k.size(all), first));
}

Value AttentionKernel::base(const MatrixOperand &operand, Value free, Value contract) {
  const Storage &storage = operand.storage;
  Value sum = k.add(k.size(storage.offset), k.mul(free, storage.strides[operand.free]));
  for (const Segment &segment : cut(k, headPoint, parts.space, allBoundaries(int(parts.space.size()))))
    sum = k.add(sum, k.mul(segment.index, storage.strides[operand.batch[segment.first]]));
  return k.add(sum, k.mul(contract, storage.strides[operand.contract]));
}

Scalar AttentionKernel::element(const MatrixOperand &operand, Value free, Value contract) {
  SmallVector<Value> indices(operand.storage.shape.size());
  for (const Segment &segment : cut(k, headPoint, parts.space, allBoundaries(int(parts.space.size()))))
    indices[operand.batch[segment.first]] = segment.index;
  indices[operand.free] = free;
  indices[operand.contract] = contract;
  Point at;
  for (auto [axis, index] : llvm::enumerate(indices))
    at.push_back({int(axis), 1, index});
  return kernel.e.evaluate(operand.value, at);
}

Value AttentionKernel::buffer(const MatrixOperand &operand) {
  kernel.e.reads.push_back({operand.storage.planBuffer, Value()});
  return k.buffer(operand.storage.planBuffer, storageType(operand.storage.type));
}

} // namespace weft
