// One walk in order: fold the op (passes/Fold.cpp); else, if an equal op stands before it, use that one's result. Then
// one walk backwards that erases what nobody uses.
#include "passes/Simplify.h"
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace weft {
namespace {

// Ops are equal if they differ at most in their locations.
struct ByStructure : llvm::DenseMapInfo<Operation *> {
  static unsigned getHashValue(const Operation *op) {
    return OperationEquivalence::computeHash(const_cast<Operation *>(op), OperationEquivalence::directHashValue,
                                             OperationEquivalence::ignoreHashValue,
                                             OperationEquivalence::IgnoreLocations);
  }
  static bool isEqual(const Operation *a, const Operation *b) {
    if (a == b)
      return true;
    if (a == getEmptyKey() || a == getTombstoneKey() || b == getEmptyKey() || b == getTombstoneKey())
      return false;
    return OperationEquivalence::isEquivalentTo(const_cast<Operation *>(a), const_cast<Operation *>(b),
                                                OperationEquivalence::IgnoreLocations);
  }
};

bool simplifyBlock(Block &block) {
  bool changed = false;
  llvm::DenseSet<Operation *, ByStructure> known;
  for (auto it = block.begin(); it != block.end();) {
    Operation *op = &*it;
    if (op->hasTrait<OpTrait::IsTerminator>())
      break;
    Operation *before = op->getPrevNode();
    if (Value value = fold(op)) {
      op->getResult(0).replaceAllUsesWith(value);
      // Ops that the fold made come next: they may fold in turn.
      Operation *next = before ? before->getNextNode() : &block.front();
      if (next == op)
        next = op->getNextNode();
      op->erase();
      it = next->getIterator();
      changed = true;
      continue;
    }
    ++it;
    auto [other, isNew] = known.insert(op);
    if (!isNew) {
      op->replaceAllUsesWith(*other);
      op->erase();
      changed = true;
    }
  }
  return eraseDeadOps(block) || changed;
}

} // namespace

bool runSimplify(ModuleOp module) {
  bool changed = false;
  for (func::FuncOp graph : graphsOf(module))
    changed |= simplifyBlock(graph.front());
  return changed;
}

} // namespace weft
