// 1. A use is late if more than two products stand between it and the value: another layer ran meanwhile. In a training
//    step these are the backward pass's uses of what the forward pass computed.
// 2. Elementwise functions of one large tensor that are wanted late are gathered by that tensor.
// 3. If the tensor has late uses of its own, or two such functions can do with it alone (GELU and its derivative), they
//    are computed from it where they are wanted: those that stand there already are kept from being fused with what
//    makes the tensor, of the others late uses get copies. Bits are the same by nature.
#include "passes/Rematerialise.h"
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace weft {
namespace {

constexpr int64_t leastBytes = 1 << 16; // what is smaller is not worth a thought
constexpr int lateProducts = 2;

class Rematerialise {
public:
  explicit Rematerialise(func::FuncOp func) : block(func.front()), typical(typicalSizes(func)) {}

  bool run() {
    int products = 0;
    for (Operation &op : block) {
      times[&op] = products;
      products += hasRecord(&op) && (familyOf(&op) == OpFamily::Contraction || familyOf(&op) == OpFamily::Convolution);
    }
    llvm::MapVector<Value, SmallVector<Operation *, 2>> functions; // of each large tensor
    for (Operation &op : block.without_terminator())
      if (Value tensor = argumentOf(&op); tensor && (isLate(&op, tensor) || hasLateUse(op.getResult(0))))
        functions[tensor].push_back(&op);
    bool changed = false;
    for (auto &[tensor, ops] : functions) {
      if (ops.size() < 2 && !isKept(tensor, ops))
        continue;
      for (Operation *op : ops)
        computeLate(op, tensor);
      changed = true;
    }
    for (Operation *op : llvm::reverse(replaced)) // not before: others may be functions of its result
      if (op->use_empty())
        op->erase();
    return changed;
  }

private:
  Block &block;
  const TypicalSizes typical;
  llvm::DenseMap<Operation *, int> times; // products before the op
  std::vector<Operation *> replaced;

  int timeOf(Value value) const { return value.getDefiningOp() ? times.lookup(value.getDefiningOp()) : 0; }
  bool isLate(Operation *user, Value value) const { return times.lookup(user) - timeOf(value) > lateProducts; }
  bool hasLateUse(Value value) const {
    return llvm::any_of(value.getUsers(), [&](Operation *user) { return isLate(user, value); });
  }

  int64_t bytesOf(Value value) const {
    int64_t bytes = itemSize(dtypeOf(value));
    for (int64_t size : shapeOf(value))
      bytes *= typical.of(size);
    return bytes;
  }

  // The one large operand of an elementwise op whose result is not returned; null if there is none.
  Value argumentOf(Operation *op) const {
    if (!hasRecord(op) || familyOf(op) != OpFamily::Elementwise || bytesOf(op->getResult(0)) < leastBytes)
      return {};
    Value tensor;
    for (Value operand : op->getOperands()) {
      Operation *source = operand.getDefiningOp();
      bool isSmall = // an expand, named, repeats what is little
          source && hasRecord(source) && (familyOf(source) == OpFamily::Creation || kindOf(source) == OpKind::Expand);
      if (isSmall)
        continue;
      if (tensor && tensor != operand)
        return {};
      tensor = operand;
    }
    bool returned = llvm::is_contained(block.getTerminator()->getOperands(), op->getResult(0));
    return tensor && !returned && bytesOf(tensor) <= bytesOf(op->getResult(0)) ? tensor : Value();
  }

  // Whether the tensor is in memory until then anyway.
  bool isKept(Value tensor, ArrayRef<Operation *> functions) const {
    if (!tensor.getDefiningOp())
      return false; // inputs may be donated, and are no temporaries
    return llvm::any_of(tensor.getUsers(),
                        [&](Operation *user) { return isLate(user, tensor) && !llvm::is_contained(functions, user); });
  }

  void computeLate(Operation *op, Value tensor) {
    OpBuilder builder(op);
    if (isLate(op, tensor)) {
      op->setAttr(recomputedAttr, builder.getUnitAttr());
      return;
    }
    Value value = op->getResult(0);
    SmallVector<OpOperand *> late;
    for (OpOperand &use : value.getUses())
      if (isLate(use.getOwner(), value))
        late.push_back(&use);
    Operation *first = late.front()->getOwner();
    for (OpOperand *use : late)
      if (use->getOwner()->isBeforeInBlock(first))
        first = use->getOwner();
    builder.setInsertionPoint(first);
    Operation *copy = builder.clone(*op);
    copy->setAttr(recomputedAttr, builder.getUnitAttr());
    times[copy] = times.lookup(first);
    for (OpOperand *use : late)
      use->set(copy->getResult(0));
    replaced.push_back(op);
  }
};

} // namespace

bool runRematerialise(ModuleOp module) {
  bool changed = false;
  for (func::FuncOp graph : graphsOf(module))
    changed |= Rematerialise(graph).run();
  return changed;
}

} // namespace weft
