// Walks the ops in order with a tangent a value: the record's rule gives the result's from the operands' (a composite
// without one: through its expansion). Then returns the results' tangents and erases the appended ops that nobody uses.
#include "passes/Forward.h"
#include "ir/Derivatives.h"
#include "ir/OpAccess.h"
#include "passes/Control.h"

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
      if (llvm::any_of(op->getResults(), [](Value v) { return isFloat(dtypeOf(v)); }) &&
          llvm::any_of(op->getOperands(), [&](Value v) { return tangents.contains(v); }))
        for (auto [result, tangent] : llvm::zip(op->getResults(), tangentsOf(op)))
          if (tangent && isFloat(dtypeOf(result)))
            tangents[result] = tangent;
  }

  // Of its results, null where there is none.
  SmallVector<Value, 2> tangentsOf(Operation *op) {
    OpKind kind = kindOf(op);
    if (hasBody(kind)) {
      SmallVector<Value> given;
      for (Value value : op->getOperands())
        given.push_back(tangents.lookup(value));
      SmallVector<Value> made = tangentsOfControl(builder, op, given);
      return {made.begin(), made.end()};
    }
    if (hasJvp(kind)) {
      SmallVector<Val, 4> operands, results, given;
      for (Value value : op->getResults())
        results.push_back(Val(builder, op->getLoc(), value));
      for (Value value : op->getOperands()) {
        Value tangent = tangents.lookup(value);
        operands.push_back(Val(builder, op->getLoc(), value));
        given.push_back(tangent ? Val(builder, op->getLoc(), tangent) : Val());
      }
      SmallVector<Value, 2> made;
      for (const Val &tangent : jvp(kind, operands, results, given, attrsOf(op)))
        made.push_back(tangent.value);
      return made;
    }
    if (familyOf(op) != OpFamily::Composite)
      return {};
    Operation *before = block.getTerminator()->getPrevNode();
    SmallVector<Value, 2> made = expansion(builder, op);
    std::vector<Operation *> inner;
    for (Operation *at = before->getNextNode(); at != block.getTerminator(); at = at->getNextNode())
      inner.push_back(at);
    walk(inner);
    for (Value &value : made)
      value = tangents.lookup(value);
    return made;
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
