// Walks the ops in order with a tangent a value: the record's rule gives the result's from the operands' (a composite
// without one: through its expansion). Then returns the results' tangents and erases the appended ops that nobody uses.
#include "passes/Forward.h"
#include "ir/Derivatives.h"
#include "ir/OpAccess.h"

using namespace mlir;

namespace weft {
namespace {

class Forward {
public:
  explicit Forward(func::FuncOp func) : func(func), block(func.front()), builder(block.getTerminator()) {}

  void run(const std::vector<int> &wrt) {
    Operation *exit = block.getTerminator();
    Operation *lastGiven = exit->getPrevNode();
    std::vector<Operation *> ops;
    for (Operation &op : block.without_terminator())
      ops.push_back(&op);
    unsigned first = block.getNumArguments() - wrt.size();
    for (size_t i = 0; i < wrt.size(); ++i)
      tangents[block.getArgument(wrt[i])] = block.getArgument(first + i);
    walk(ops);

    SmallVector<Value, 8> results;
    for (Value value : exit->getOperands())
      results.push_back(tangentOrZeros(value));
    func->removeAttr("weft.donations"); // were of the results that go
    exit->setOperands(results);
    func.setType(FunctionType::get(func.getContext(), func.getArgumentTypes(), ValueRange(results).getTypes()));
    Operation *appended = lastGiven ? lastGiven->getNextNode() : &block.front();
    if (appended != exit)
      eraseDeadOps(block, appended);
  }

private:
  func::FuncOp func;
  Block &block;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> tangents;

  void walk(ArrayRef<Operation *> ops) {
    for (Operation *op : ops)
      if (isFloat(dtypeOf(op->getResult(0))) &&
          llvm::any_of(op->getOperands(), [&](Value v) { return tangents.contains(v); }))
        if (Value tangent = tangentOf(op))
          tangents[op->getResult(0)] = tangent;
  }

  Value tangentOf(Operation *op) {
    OpKind kind = kindOf(op);
    if (hasJvp(kind)) {
      SmallVector<Val, 4> operands, given;
      for (Value value : op->getOperands()) {
        Value tangent = tangents.lookup(value);
        operands.push_back(Val(builder, op->getLoc(), value));
        given.push_back(tangent ? Val(builder, op->getLoc(), tangent) : Val());
      }
      return jvp(kind, operands, Val(builder, op->getLoc(), op->getResult(0)), given, attrsOf(op)).value;
    }
    if (familyOf(op) != OpFamily::Composite)
      return {};
    Operation *before = block.getTerminator()->getPrevNode();
    Value result = expansion(builder, op);
    std::vector<Operation *> inner;
    for (Operation *at = before->getNextNode(); at != block.getTerminator(); at = at->getNextNode())
      inner.push_back(at);
    walk(inner);
    return tangents.lookup(result);
  }

  Value tangentOrZeros(Value value) {
    if (Value known = tangents.lookup(value))
      return known;
    return createOp(builder, value.getLoc(), OpKind::Full, {},
                    {Attr::list(shapeOf(value)), Attr::real(0.0), Attr::integer(0), Attr::dtype(dtypeOf(value))});
  }
};

} // namespace

void runForward(func::FuncOp func, const std::vector<int> &wrt) { Forward(func).run(wrt); }

} // namespace weft
