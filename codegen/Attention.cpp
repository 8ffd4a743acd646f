#include "codegen/Attention.h"

using namespace mlir;

namespace weft {

static MatrixOperand matrixOperand(Operation *dot, int operand, const llvm::DenseMap<Value, Storage> &inputs) {
  StringRef side = operand ? "rhs" : "lhs";
  MatrixOperand result;
  result.value = dot->getOperand(operand);
  std::optional<Storage> storage = stridedView(result.value, inputs);
  if (!storage)
    llvm::report_fatal_error("an operand of attention is no strided view");
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

} // namespace weft
