// Walks the ops in order and keeps beside each value that differs between examples the value for all of them:
// 1. an op whose operands are the same for all examples stays as it is;
// 2. another one becomes what its record's batching rule says; a composite without a rule for the case is walked
// through
//    in its expansion;
// 3. results that are the same for all examples are repeated; then the ops on one example, which nobody uses, go.
#include "passes/Batch.h"
#include "ir/Batching.h"
#include "ir/Derivatives.h"
#include "ir/OpAccess.h"
#include "passes/Control.h"

using namespace mlir;

namespace weft {
namespace {

class Batch {
public:
  Batch(func::FuncOp func, int64_t size)
      : func(func), block(func.front()), builder(block.getTerminator()), size(size) {}

  void run(const std::vector<bool> &batched) {
    std::vector<Operation *> ops;
    for (Operation &op : block.without_terminator())
      ops.push_back(&op);
    for (unsigned i = 0; i < batched.size(); ++i)
      if (batched[i]) { // behind the others for now
        BlockArgument given = block.getArgument(i);
        ofAll[given] = block.addArgument(withExamples(given.getType()), given.getLoc());
      }
    walk(ops);

    Operation *exit = block.getTerminator();
    SmallVector<Value, 8> results;
    for (Value value : exit->getOperands())
      results.push_back(repeated(value));
    func->removeAttr("weft.donations"); // were of the results that go
    exit->setOperands(results);
    eraseDeadOps(block);
    putArgumentsInPlace(batched);
    func.setType(FunctionType::get(func.getContext(), block.getArgumentTypes(), exit->getOperandTypes()));
  }

private:
  func::FuncOp func;
  Block &block;
  OpBuilder builder;
  int64_t size;
  llvm::DenseMap<Value, Value> ofAll; // by the value in one example

  Type withExamples(Type type) {
    TensorType batch = fromMlir(type);
    batch.shape.insert(0, size);
    return toMlir(func.getContext(), batch);
  }

  void putArgumentsInPlace(const std::vector<bool> &batched) {
    for (unsigned i = 0; i < batched.size(); ++i)
      if (batched[i]) {
        BlockArgument made =
            block.insertArgument(i, ofAll.lookup(block.getArgument(i)).getType(), block.getArgument(i).getLoc());
        ofAll.lookup(block.getArgument(i + 1)).replaceAllUsesWith(made);
        block.eraseArgument(i + 1);
        func.removeArgAttr(i, "weft.strides"); // were of one example
      }
    block.eraseArguments(unsigned(batched.size()), block.getNumArguments() - unsigned(batched.size()));
  }

  void walk(ArrayRef<Operation *> ops) {
    for (Operation *op : ops)
      if (llvm::any_of(op->getOperands(), [&](Value v) { return ofAll.contains(v); }))
        batch(op);
  }

  void batch(Operation *op) {
    OpKind kind = kindOf(op);
    if (hasBody(kind))
      return throughBody(op);
    Attrs attrs = attrsOf(op);
    if (BatchingRule rule = batchingRule(kind)) {
      BatchedOp batched{{&builder, op->getLoc()}, kind, {}, {}, attrs, size};
      for (Value value : op->getOperands()) {
        Value all = ofAll.lookup(value);
        batched.batched.push_back(bool(all));
        batched.operands.push_back(Val(builder, op->getLoc(), all ? all : value));
      }
      if (Results made = rule(batched); !made.empty())
        return keep(op, made);
    }
    if (familyOf(op) != OpFamily::Composite)
      fail(UserError::Kind::NotImplemented, info(kind).name,
           "vmap has no rule for it with these operands batched; got " + operandTypes(op) +
               "; vmap over other arguments, or call it in a loop over the examples");
    throughExpansion(op);
  }

  void throughBody(Operation *op) {
    SmallVector<Value> operands;
    SmallVector<bool> batched;
    for (Value value : op->getOperands()) {
      Value all = ofAll.lookup(value);
      operands.push_back(all ? all : value);
      batched.push_back(bool(all));
    }
    for (auto [result, all] : llvm::zip(op->getResults(), batchOfControl(builder, op, operands, batched, size)))
      ofAll[result] = all;
  }

  void keep(Operation *op, ArrayRef<Val> made) {
    for (auto [result, all] : llvm::zip(op->getResults(), made)) {
      assert(all.value.getType() == withExamples(result.getType()) && "a batching rule gives the results of all");
      ofAll[result] = all.value;
    }
  }

  void throughExpansion(Operation *op) {
    Operation *before = block.getTerminator()->getPrevNode();
    SmallVector<Value, 2> results = expansion(builder, op);
    std::vector<Operation *> inner;
    for (Operation *at = before->getNextNode(); at != block.getTerminator(); at = at->getNextNode())
      inner.push_back(at);
    walk(inner);
    for (auto [result, made] : llvm::zip(op->getResults(), results))
      ofAll[result] = repeated(made);
  }

  Value repeated(Value value) {
    if (Value all = ofAll.lookup(value))
      return all;
    Dims shape = shapeOf(value);
    shape.insert(0, size);
    return createOp(builder, value.getLoc(), OpKind::Expand, value, {Attr::list(shape)});
  }

  std::string operandTypes(Operation *op) {
    std::string text;
    for (Value value : op->getOperands())
      text += (text.empty() ? "" : ", ") + toString(typeOf(value)) + (ofAll.contains(value) ? " (batched)" : "");
    return text;
  }
};

} // namespace

void runBatch(func::FuncOp func, const std::vector<bool> &batched, int64_t size) { Batch(func, size).run(batched); }

} // namespace weft
