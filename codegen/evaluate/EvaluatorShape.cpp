// The ops' index maps: evaluation of those that only move elements, read at positions that are data, or know their
// elements from the position.
#include "codegen/evaluate/Evaluator.h"
#include "codegen/evaluate/ScalarBodies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {

Scalar Evaluator::shape(Operation *op, const Point &whole, Value mask) {
  if (kindOf(op) == OpKind::Concatenate)
    return concatenate(op, whole, mask);
  Value operand = op->getOperand(0);
  Sizes from = sizesOf(operand), to = sizesOf(op->getResult(0));
  if (kindOf(op) == OpKind::Reshape)
    return evaluate(operand, reshaped(k, whole, to, from), mask);

  Point point = cut(k, whole, to, ownBoundaries(op));
  Point moved;
  Value inside; // of a pad
  switch (kindOf(op)) {
  case OpKind::Expand: {
    SmallVector<bool> expanded = expandedDims(from, to);
    int lead = int(to.size() - from.size());
    for (const Segment &segment : point) {
      int first = std::max(segment.first, lead) - lead, end = segment.end() - lead;
      if (end > first)
        moved.push_back({first, end - first, expanded[segment.first] ? k.index(0) : segment.index});
    }
    return evaluate(operand, moved, mask);
  }
  case OpKind::Permute: {
    std::vector<int64_t> dims = intsAttr(op, "dims");
    for (const Segment &segment : point)
      moved.push_back({int(dims[segment.first]), segment.count, segment.index});
    llvm::sort(moved, [](const Segment &a, const Segment &b) { return a.first < b.first; });
    return evaluate(operand, moved, mask);
  }
  case OpKind::Slice: {
    std::vector<int64_t> starts = intsAttr(op, "starts"), steps = intsAttr(op, "steps");
    for (Segment segment : point) {
      int dim = segment.first;
      if (segment.count == 1)
        segment.index = k.add(k.mul(segment.index, k.index(steps[dim])), k.offset(starts[dim]));
      moved.push_back(segment);
    }
    return evaluate(operand, moved, mask);
  }
  case OpKind::Flip: {
    std::vector<int64_t> dims = intsAttr(op, "dims");
    for (Segment segment : point) {
      if (llvm::is_contained(dims, segment.first))
        segment.index = k.sub(k.sub(k.size(to[segment.first]), k.index(1)), segment.index);
      moved.push_back(segment);
    }
    return evaluate(operand, moved, mask);
  }
  default: { // pad
    std::vector<int64_t> low = intsAttr(op, "low"), interior = intsAttr(op, "interior");
    for (Segment segment : point) {
      int dim = segment.first;
      if (segment.count == 1 && from[dim] != to[dim]) {
        // Before the first element the difference wraps to a large number.
        Value at = k.sub(segment.index, k.index(low[dim])), step = k.index(interior[dim] + 1);
        segment.index = k.div(at, step);
        inside = k.both(inside, k.less(segment.index, k.size(from[dim])));
        if (interior[dim])
          inside = k.both(inside, k.less(k.rem(at, step), k.index(1)));
      }
      moved.push_back(segment);
    }
    Scalar value = evaluate(operand, moved, k.both(mask, inside));
    if (!inside)
      return value;
    OpBuilder::InsertionGuard guard(k.builder);
    k.hoist({inside, value.value});
    auto number = op->getAttrOfType<FloatAttr>("value").getValueAsDouble();
    if (elementType(operand).isInteger(1))
      number = number != 0;
    return choose(value.with(inside), value, rounded(value.constant(number), elementType(operand)));
  }
  }
}

Scalar Evaluator::concatenate(Operation *op, const Point &whole, Value mask) {
  Sizes shape = sizesOf(op->getResult(0));
  Point point = cut(k, whole, shape, ownBoundaries(op));
  int dim = int(intAttr(op, "dim"));
  size_t at = llvm::find_if(point, [&](const Segment &s) { return s.first <= dim && dim < s.end(); }) - point.begin();
  Value position = point[at].index;
  std::vector<std::pair<Value, Scalar>> choices;
  Value offset = k.index(0);
  for (Value operand : op->getOperands()) {
    Value size = k.size(sizesOf(operand)[dim]);
    point[at].index = k.sub(position, offset);
    Value inside = k.less(point[at].index, size);
    choices.push_back({inside, evaluate(operand, point, k.both(mask, inside))});
    offset = k.add(offset, size);
  }
  Scalar result = choices.back().second;
  for (auto choice = choices.rbegin() + 1; choice != choices.rend(); ++choice) {
    OpBuilder::InsertionGuard guard(k.builder);
    k.hoist({choice->first, choice->second.value, result.value});
    result = choose(result.with(choice->first), choice->second, result);
  }
  return result;
}

Scalar Evaluator::indexed(Operation *op, const Point &whole, Value mask) {
  Value source = op->getOperand(0), positions = op->getOperand(1);
  Sizes shape = sizesOf(op->getResult(0));
  Point point = cut(k, whole, shape, ownBoundaries(op));
  int dim = int(intAttr(op, "dim"));
  Segment &along = *llvm::find_if(point, [&](const Segment &s) { return s.first <= dim && dim < s.end(); });
  Point positionPoint{{0, 1, along.index}};
  Scalar position = evaluate(positions, kindOf(op) == OpKind::Gather ? point : positionPoint, mask);

  // A position outside reads zero; a negative one is a large unsigned number.
  Value index;
  {
    OpBuilder::InsertionGuard guard(k.builder);
    k.hoist({position.value});
    index = arith::IndexCastOp::create(k.builder, k.location, k.builder.getIndexType(), position.value);
  }
  Value inside = k.less(index, k.size(sizesOf(source)[dim]));
  along.index = index;
  Scalar value = evaluate(source, point, k.both(mask, inside));
  if (Operation *load = value.value.getDefiningOp(); load && isa<kernel::LoadOp>(load))
    return value;
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist({inside, value.value});
  return choose(value.with(inside), value, value.constant(0));
}

Scalar Evaluator::creation(Operation *op, const Point &whole, Value mask) {
  Type element = elementType(op->getResult(0));
  Sizes shape = sizesOf(op->getResult(0));
  SmallVector<Scalar> operands;
  auto number = [&](Value index) {
    OpBuilder::InsertionGuard guard(k.builder);
    k.hoist({index});
    Value value = arith::IndexCastOp::create(k.builder, k.location, k.builder.getI64Type(), index);
    return Scalar{&k.builder, k.location, value};
  };
  if (kindOf(op) == OpKind::Iota) {
    int dim = int(intAttr(op, "dim"));
    for (const Segment &segment : cut(k, whole, shape, ownBoundaries(op)))
      if (segment.first <= dim && dim < segment.end())
        operands.push_back(number(segment.index));
  } else if (kindOf(op) == OpKind::Count) {
    Size size;
    for (int64_t dim : intsAttr(op, "sizes"))
      size = size * Size::ofDim(dim);
    operands.push_back(number(k.sub(k.max(k.size(size), k.index(intAttr(op, "less"))), k.index(intAttr(op, "less")))));
  } else if (op->getNumOperands()) { // a random op and its state, and numbers
    Value state = op->getOperand(0);
    Scalar seed = evaluate(state, {{0, 1, k.index(0)}}, mask), stream = evaluate(state, {{0, 1, k.index(1)}}, mask);
    Scalar element = number(linear(k, whole, shape));
    {
      // What was drawn before may be of symbolic size.
      int64_t offset = intAttr(op, "offset");
      Value symbolic = isSymbol(offset) ? number(k.size(Size::ofDim(offset))).value : Value();
      OpBuilder::InsertionGuard guard(k.builder);
      k.hoist({stream.value, symbolic});
      stream = stream + (symbolic ? stream.with(symbolic) : stream.constantInt(offset));
    }
    OpBuilder::InsertionGuard guard(k.builder);
    k.hoist({stream.value, element.value});
    operands = {seed, stream + element};
    for (Value numbers : llvm::drop_begin(op->getOperands()))
      for (int64_t i = 0; i < shapeOf(numbers)[0]; ++i)
        operands.push_back(evaluate(numbers, {{0, 1, k.index(i)}}, mask));
  }
  SmallVector<Value> values;
  for (const Scalar &operand : operands)
    values.push_back(operand.value);
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist(values);
  Scalar result = buildScalar(k.builder, k.location, kindOf(op), operands, attrsOf(op), computeType(element));
  return rounded(scalar(result.value, element), element);
}

} // namespace weft
