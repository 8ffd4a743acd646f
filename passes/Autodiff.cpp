// Walks the ops backwards from the results with a cotangent a value:
// 1. forwards, mark the float values that depend on an argument of `wrt`;
// 2. backwards over the ops as recorded, hand each op's cotangent to its operands by the record's rule (a composite
// without
//    one: through its expansion), adding up in the order in which they come: the last reader's first. Parts of a value
//    that come one after the other and do not overlap are one concatenation, so that many cost no more than the whole;
// 3. return the arguments' cotangents and erase the appended ops that nobody uses.
#include "passes/Autodiff.h"
#include "ir/Composites.h"
#include "ir/Derivatives.h"
#include "ir/OpAccess.h"
#include "passes/Control.h"

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
  struct Part { // of a value's cotangent: what a slice of it has
    Operation *slice;
    Value cotangent;
  };
  func::FuncOp func;
  Block &block;
  OpBuilder builder;
  llvm::DenseSet<Value> active; // depend on `wrt`
  llvm::DenseMap<Value, Value> cotangents;
  llvm::DenseMap<Value, std::vector<Part>> parts; // of values, not yet added

  void mark(ArrayRef<Operation *> ops) {
    for (Operation *op : ops)
      if (llvm::any_of(op->getOperands(), [&](Value v) { return active.contains(v); }))
        for (Value result : op->getResults())
          if (isFloat(dtypeOf(result)))
            active.insert(result);
  }

  void walk(ArrayRef<Operation *> ops) {
    for (Operation *op : llvm::reverse(ops)) {
      SmallVector<Value, 2> given;
      for (Value result : op->getResults())
        given.push_back(cotangentOf(result));
      if (llvm::any_of(given, [](Value v) { return bool(v); }))
        propagate(op, given);
    }
  }

  // Cotangents of its results, null where none came.
  void propagate(Operation *op, ArrayRef<Value> given) {
    if (hasBody(kindOf(op)))
      return throughBody(op, given);
    if (!hasVjp(kindOf(op))) {
      if (familyOf(op) == OpFamily::Composite)
        throughExpansion(op, given);
      return;
    }
    // Named, since the parts of a value are what slices make: there is no other such op.
    if (kindOf(op) == OpKind::Slice && cutAxis(op) >= 0 && active.contains(op->getOperand(0)))
      return parts[op->getOperand(0)].push_back({op, given[0]});
    if (kindOf(op) == OpKind::Concatenate) // named: it has a way of its own
      return throughConcatenation(op, given[0]);
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      if (active.contains(op->getOperand(i)))
        if (Value contribution = derivative(builder, op, i, given))
          accumulate(op->getOperand(i), contribution);
  }

  void throughBody(Operation *op, ArrayRef<Value> given) {
    SmallVector<bool> wanted;
    for (Value operand : op->getOperands())
      wanted.push_back(active.contains(operand));
    for (auto [operand, cotangent] : llvm::zip(op->getOperands(), cotangentsOfControl(builder, op, given, wanted)))
      if (cotangent)
        accumulate(operand, cotangent);
  }

  // In one walk over the operands, which may be thousands: where one begins takes a sum over all before it.
  void throughConcatenation(Operation *op, Value cotangent) {
    build::Val whole(builder, op->getLoc(), cotangent);
    int64_t axis = intOf(op, "dim"), start = 0;
    for (Value operand : op->getOperands()) {
      if (active.contains(operand)) {
        build::Val part(builder, op->getLoc(), operand);
        accumulate(operand, build::partOfConcatenated(whole, part, start, axis).value);
      }
      start += build::sizeAlong(operand, axis);
    }
  }

  void throughExpansion(Operation *op, ArrayRef<Value> given) {
    Operation *before = block.getTerminator()->getPrevNode();
    SmallVector<Value, 2> results = expansion(builder, op);
    std::vector<Operation *> inner;
    for (Operation *at = before->getNextNode(); at != block.getTerminator(); at = at->getNextNode())
      inner.push_back(at);
    mark(inner);
    for (auto [result, cotangent] : llvm::zip(results, given))
      if (cotangent)
        accumulate(result, cotangent);
    walk(inner);
  }

  // The one axis along which a slice takes neighbouring entries, all of the others; -1 where it takes others.
  static int cutAxis(Operation *slice) {
    Dims from = shapeOf(slice->getOperand(0)), sizes = intsOf(slice, "sizes"), steps = intsOf(slice, "steps");
    int axis = -1;
    for (int i = 0; i < from.size(); ++i) {
      if (from[i] == sizes[i])
        continue;
      if (axis >= 0 || steps[i] != 1 || isSymbol(from[i]))
        return -1;
      axis = i;
    }
    return axis;
  }

  // The parts as one cotangent of the whole, with zeros between them; null where they overlap or lie along several
  // axes.
  Value joined(Value whole, std::vector<Part> all) {
    int axis = cutAxis(all[0].slice);
    auto start = [&](const Part &part) { return intsOf(part.slice, "starts")[axis]; };
    for (const Part &part : all)
      if (cutAxis(part.slice) != axis)
        return {};
    llvm::sort(all, [&](const Part &a, const Part &b) { return start(a) < start(b); });
    Dims shape = shapeOf(whole);
    SmallVector<Value> pieces;
    int64_t end = 0;
    auto fillUpTo = [&](int64_t next) {
      Dims gap = shape;
      gap[axis] = next - end;
      if (gap[axis] > 0)
        pieces.push_back(zeros(gap, whole));
    };
    for (const Part &part : all) {
      if (start(part) < end)
        return {};
      fillUpTo(start(part));
      pieces.push_back(part.cotangent);
      end = start(part) + shapeOf(part.cotangent)[axis];
    }
    fillUpTo(shape[axis]);
    return createOp(builder, whole.getLoc(), OpKind::Concatenate, pieces, {Attr::integer(axis)});
  }

  void addParts(Value value) {
    auto found = parts.find(value);
    if (found == parts.end())
      return;
    std::vector<Part> all = std::move(found->second);
    parts.erase(found);
    Value whole = all.size() > 1 ? joined(value, all) : Value();
    if (whole)
      return add(value, whole);
    for (const Part &part : all)
      add(value, derivative(builder, part.slice, 0, part.cotangent));
  }

  // Of all readers so far; null where there is none.
  Value cotangentOf(Value value) {
    addParts(value);
    return cotangents.lookup(value);
  }

  void accumulate(Value value, Value cotangent) {
    if (!active.contains(value))
      return;
    addParts(value);
    add(value, cotangent);
  }

  void add(Value value, Value cotangent) {
    Value &sum = cotangents[value];
    sum = sum ? createOp(builder, cotangent.getLoc(), OpKind::Add, {sum, cotangent}, {}) : cotangent;
  }

  Value cotangentOrZeros(Value value) {
    if (Value known = cotangentOf(value))
      return known;
    return zeros(shapeOf(value), value);
  }

  Value zeros(const Dims &shape, Value like) {
    return createOp(builder, like.getLoc(), OpKind::Full, {},
                    {Attr::list(shape), Attr::real(0.0), Attr::integer(0), Attr::dtype(dtypeOf(like))});
  }
};

} // namespace

void runAutodiff(func::FuncOp func, const std::vector<int> &wrt) { Reverse(func).run(wrt); }

} // namespace weft
