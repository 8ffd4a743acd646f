// Walks the ops in order; a composite is replaced by its expansion (the record's `expansion`), whose composites are
// expanded in turn. 16-bit floats are float32 inside where the record says so (`upcast`). A concatenation of many is a
// tree of concatenations of a few: an element of one costs a look at every operand.
#include "passes/Decompose.h"
#include "ir/Derivatives.h"
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace weft {
namespace {

bool isComposite(Operation *op) { return hasRecord(op) && familyOf(op) == OpFamily::Composite; }

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

bool decomposeBlock(Block &block, llvm::function_ref<bool(Operation *)> keeps) {
  bool changed = false;
  for (Operation *op = &block.front(); !op->hasTrait<OpTrait::IsTerminator>();) {
    bool isLong = hasRecord(op) && isLongConcatenation(op);
    if ((!isLong && !isComposite(op)) || (keeps && keeps(op))) {
      op = op->getNextNode();
      continue;
    }
    Operation *before = op->getPrevNode();
    OpBuilder builder(op);
    op->replaceAllUsesWith(isLong ? SmallVector<Value, 2>{shortened(builder, op)} : expansion(builder, op));
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
