// 1. In order, each op gets a stage: the number of products out of scores on the longest path to it.
// 2. What depends on a score product through work on rows alone is of the scores; so are softmaxes and their gradients.
// 3. Where an op of a later stage reads a softmax, it reads a copy instead, made of copies of all that is of the scores
//    behind it.
#include "ir/OpAccess.h"
#include "passes/FusionAttention.h"

#include "mlir/IR/IRMapping.h"

#include <map>

using namespace mlir;

namespace weft {
namespace {

class Recompute {
public:
  explicit Recompute(Block &block) : block(block), builder(block.getTerminator()) {}

  bool run() {
    for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
      int stage = 0;
      for (Value operand : op.getOperands())
        stage = std::max(stage, stages.lookup(operand));
      for (OpOperand &operand : op.getOpOperands())
        if (auto at = scores.find(operand.get());
            at != scores.end() && at->second.isSoftmax && stages.lookup(operand.get()) < stage) {
          builder.setInsertionPoint(&op);
          operand.set(copied(operand.get(), stage));
        }
      note(&op, stage);
    }
    return !copies.empty();
  }

private:
  struct Scores {
    Dims space;
    bool isSoftmax; // a value of the space that depends on a reduction of a row
    bool isReduced; // depends on one
  };

  Block &block;
  OpBuilder builder;
  llvm::DenseMap<Value, int> stages;
  llvm::DenseMap<Value, Scores> scores;
  std::map<std::pair<void *, int>, Value> copies; // by value and stage

  void note(Operation *op, int stage) {
    Value result = op->getResult(0);
    const Scores *from = nullptr;
    bool isReduced = false;
    for (Value operand : op->getOperands())
      if (auto at = scores.find(operand); at != scores.end()) {
        from = &at->second;
        isReduced |= from->isReduced;
      }
    OpFamily family = familyOf(op);
    if (family == OpFamily::Contraction) {
      stages[result] = stage + (from != nullptr);
      if (!from && isHeadProduct(op) && isQuickerAgain(op))
        scores[result] = {shapeOf(result), false, false};
      return;
    }
    stages[result] = stage;
    if (!from)
      return;
    Dims space = from->space;
    bool isRowReduction = family == OpFamily::Reduction && shapeOf(op->getOperand(0)) == space &&
                          intsOf(op, "dims") == Dims{space.size() - 1};
    bool isView = // named: those that keep the order of elements
        kindOf(op) == OpKind::Expand || kindOf(op) == OpKind::Reshape;
    if (family != OpFamily::Elementwise && !isRowReduction && !isView)
      return;
    isReduced |= isRowReduction;
    scores[result] = {space, isReduced && shapeOf(result) == space, isReduced};
  }

  Value copied(Value value, int stage) {
    if (!scores.count(value) || stages.lookup(value) >= stage)
      return value;
    if (auto at = copies.find({value.getAsOpaquePointer(), stage}); at != copies.end())
      return at->second;
    IRMapping operands;
    for (Value operand : value.getDefiningOp()->getOperands())
      operands.map(operand, copied(operand, stage));
    Value copy = builder.clone(*value.getDefiningOp(), operands)->getResult(0);
    Scores same = scores.find(value)->second;
    scores[copy] = same;
    stages[copy] = stage;
    return copies[{value.getAsOpaquePointer(), stage}] = copy;
  }
};

} // namespace

bool recomputeScores(func::FuncOp func) {
  bool changed = Recompute(func.front()).run();
  if (changed)
    eraseDeadOps(func.front()); // what only the gradient read
  return changed;
}

} // namespace weft
