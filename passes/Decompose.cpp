// Walks the ops in order; a composite is replaced by its expansion (the record's `expansion`), whose composites are
// expanded in turn. 16-bit floats are float32 inside where the record says so (`upcast`). A concatenation of many is a
// tree of concatenations of a few: an element of one costs a look at every operand. So are the gradients of weights
// whose channels are separate sums of products.
#include "passes/Decompose.h"
#include "ir/Composites.h"
#include "ir/Derivatives.h"
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace weft {
namespace {

bool isComposite(Operation *op) { return familyOf(op) == OpFamily::Composite; }

constexpr unsigned kMostConcatenated = 8;

bool isLongConcatenation(Operation *op) {
  // Named, as what is done about it is a concatenation's own.
  return kindOf(op) == OpKind::Concatenate && op->getNumOperands() > kMostConcatenated;
}

// One level of the tree: the operands of what is left are concatenations of neighbours.
Value shortened(OpBuilder &builder, Operation *op) {
  SmallVector<Value> parts;
  Attrs attrs = attrsOf(op);
  for (unsigned i = 0, count = op->getNumOperands(); i < count; i += kMostConcatenated) {
    ValueRange some = op->getOperands().slice(i, std::min(kMostConcatenated, count - i));
    parts.push_back(some.size() == 1 ? some[0] : createOp(builder, op->getLoc(), OpKind::Concatenate, some, attrs));
  }
  return createOp(builder, op->getLoc(), OpKind::Concatenate, parts, attrs);
}

// The gradient of a weight whose channels are separate; null where it is something else.
Value sumsOfProducts(OpBuilder &builder, Operation *op) {
  // Named: one shape of the op, of which no other has as little to do for each element that it reads.
  if (kindOf(op) != OpKind::ConvGeneralWeight)
    return Value();
  Val x(builder, op->getLoc(), op->getOperand(0)), y(builder, op->getLoc(), op->getOperand(1));
  Attrs attrs = attrsOf(op);
  auto list = [&](int i) -> const Dims & { return attrs[i].ints; };
  return build::depthwiseWeight(x, y, list(0), list(1), list(2), list(3), list(4), attrs[5].i).value;
}

// Empty where the op stays.
SmallVector<Value, 2> replacement(OpBuilder &builder, Operation *op) {
  if (!hasRecord(op))
    return {};
  if (isLongConcatenation(op))
    return {shortened(builder, op)};
  if (isComposite(op))
    return expansion(builder, op);
  if (Value sums = sumsOfProducts(builder, op))
    return {sums};
  return {};
}

bool decomposeBlock(Block &block, llvm::function_ref<bool(Operation *)> keeps) {
  bool changed = false;
  for (Operation *op = &block.front(); !op->hasTrait<OpTrait::IsTerminator>();) {
    Operation *before = op->getPrevNode();
    OpBuilder builder(op);
    SmallVector<Value, 2> values = keeps && keeps(op) ? SmallVector<Value, 2>() : replacement(builder, op);
    if (values.empty()) {
      op = op->getNextNode();
      continue;
    }
    op->replaceAllUsesWith(values);
    Operation *next = before ? before->getNextNode() : &block.front(); // the expansion's first op
    if (next == op)
      next = op->getNextNode();
    op->erase();
    op = next;
    changed = true;
  }
  return changed;
}

} // namespace

bool runDecompose(ModuleOp module, llvm::function_ref<bool(Operation *)> keeps) {
  bool changed = false;
  for (func::FuncOp graph : graphsOf(module))
    changed |= decomposeBlock(graph.front(), keeps);
  return changed;
}

} // namespace weft
