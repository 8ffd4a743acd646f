// Walks the ops in order; a composite is replaced by its expansion (the record's `expansion`), whose composites are
// expanded in turn. 16-bit floats are float32 inside where the record says so (`upcast`).
#include "passes/Decompose.h"
#include "ir/Derivatives.h"
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace weft {
namespace {

bool isComposite(Operation *op) { return hasRecord(op) && familyOf(op) == OpFamily::Composite; }

bool decomposeBlock(Block &block) {
  bool changed = false;
  for (Operation *op = &block.front(); !op->hasTrait<OpTrait::IsTerminator>();) {
    if (!isComposite(op)) {
      op = op->getNextNode();
      continue;
    }
    Operation *before = op->getPrevNode();
    OpBuilder builder(op);
    op->getResult(0).replaceAllUsesWith(expansion(builder, op));
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

bool runDecompose(ModuleOp module) {
  bool changed = false;
  for (func::FuncOp graph : graphsOf(module))
    changed |= decomposeBlock(graph.front());
  return changed;
}

} // namespace weft
