// Walks the ops backwards from the results with a cotangent a value:
// 1. forwards, mark the float values that depend on an argument of `wrt`;
// 2. backwards over the ops as recorded, hand each op's cotangent to its operands by the record's rule (a composite
// without
//    one: through its expansion), adding up in the order in which they come: the last reader's first;
// 3. return the arguments' cotangents and erase the appended ops that nobody uses.
#include "passes/Autodiff.h"
#include "ir/Derivatives.h"
#include "ir/OpAccess.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace weft {
namespace {

class Reverse {
public:
  explicit Reverse(func::FuncOp func) : func(func), block(func.front()), builder(block.getTerminator()) {}

  void run(const std::vector<int> &wrt) {
    Operation *exit = block.getTerminator();
    unsigned count = exit->getNumOperands();
    Operation *lastGiven = exit->getPrevNode();
    std::vector<Operation *> ops;
    for (Operation &op : block.without_terminator())
      ops.push_back(&op);

    for (int argument : wrt)
      if (isFloat(dtypeOf(block.getArgument(argument))))
        active.insert(block.getArgument(argument));
    mark(ops);
    for (unsigned i = 0; i < count; ++i)
      accumulate(exit->getOperand(i), block.getArgument(block.getNumArguments() - count + i));
    walk(ops);

    SmallVector<Value, 8> results;
    for (int argument : wrt)
      results.push_back(cotangentOrZeros(block.getArgument(argument)));
    func->removeAttr("weft.donations"); // were of the results that go
    exit->setOperands(results);
    func.setType(FunctionType::get(func.getContext(), func.getArgumentTypes(), ValueRange(results).getTypes()));
    Operation *first = lastGiven ? lastGiven->getNextNode() : &block.front();
    if (first != exit)
      eraseDeadOps(block, first);
  }

private:
  func::FuncOp func;
  Block &block;
  OpBuilder builder;
  llvm::DenseSet<Value> active; // depend on `wrt`
  llvm::DenseMap<Value, Value> cotangents;

  void mark(ArrayRef<Operation *> ops) {
    for (Operation *op : ops)
      if (isFloat(dtypeOf(op->getResult(0))) &&
          llvm::any_of(op->getOperands(), [&](Value v) { return active.contains(v); }))
        active.insert(op->getResult(0));
  }

  void walk(ArrayRef<Operation *> ops) {
    for (Operation *op : llvm::reverse(ops))
      if (Value cotangent = cotangents.lookup(op->getResult(0)))
        propagate(op, cotangent);
  }

  void propagate(Operation *op, Value cotangent) {
    if (!hasVjp(kindOf(op))) {
      if (familyOf(op) == OpFamily::Composite)
        throughExpansion(op, cotangent);
      return;
    }
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      if (active.contains(op->getOperand(i)))
        if (Value contribution = derivative(builder, op, i, cotangent))
          accumulate(op->getOperand(i), contribution);
  }

  void throughExpansion(Operation *op, Value cotangent) {
    Operation *before = block.getTerminator()->getPrevNode();
    Value result = expansion(builder, op);
    std::vector<Operation *> inner;
    for (Operation *at = before->getNextNode(); at != block.getTerminator(); at = at->getNextNode())
      inner.push_back(at);
    mark(inner);
    accumulate(result, cotangent);
    walk(inner);
  }

  void accumulate(Value value, Value cotangent) {
    if (!active.contains(value))
      return;
    Value &sum = cotangents[value];
    sum = sum ? createOp(builder, cotangent.getLoc(), OpKind::Add, {sum, cotangent}, {}) : cotangent;
  }

  Value cotangentOrZeros(Value value) {
    if (Value known = cotangents.lookup(value))
      return known;
    return createOp(builder, value.getLoc(), OpKind::Full, {},
                    {Attr::list(shapeOf(value)), Attr::real(0.0), Attr::integer(0), Attr::dtype(dtypeOf(value))});
  }
};

} // namespace

void runAutodiff(func::FuncOp func, const std::vector<int> &wrt) { Reverse(func).run(wrt); }

} // namespace weft
