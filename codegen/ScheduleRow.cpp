// Work on rows: a task is a row. The evaluator puts each reduction of the row before the loop that needs it; what is
// left to decide is which costly values, used by two of these loops, are kept in memory between them instead of
// computed again.
#include "codegen/Schedule.h"

using namespace mlir;

namespace weft {

namespace {

class RowSchedule {
public:
  RowSchedule(Lowering &lowering, const Group &group) : lowering(lowering), group(group), kernel(lowering, group) {
    for (int64_t dim : intsAttr(group.op, "space"))
      space.push_back(Size::ofDim(dim));
    outer = int(space.size()) - int(intAttr(group.op, "row"));
    rows = product(space, 0, outer);
    length = product(space, outer, int(space.size()));
  }
  void run();

private:
  bool isFull(Value value) { return sizesOf(value) == space; }
  void keep(Value value, Value row, std::vector<const Storage *> &freeResults);
  Point full(Value row, Value i) {
    Point point;
    if (outer)
      point.push_back({0, outer, row});
    point.push_back({outer, int(space.size()) - outer, i});
    return point;
  }

  Lowering &lowering;
  const Group &group;
  Kernel kernel;
  Sizes space;
  int outer;
  Size rows, length;
};

// Finds the values that more than one loop over a row would compute.
class SharedValues {
public:
  SharedValues(Lowering &lowering, const Group &group, const Sizes &space)
      : lowering(lowering), group(group), space(space), inputs(lowering.inputs(group)) {}

  SmallVector<Value> find(ArrayRef<Value> last) {
    for (Operation *op : llvm::reverse(group.ops)) {
      Value value = op->getResult(0);
      if (sizesOf(value) != space || !isComputed(op) || lowering.scalarCost(op) < lowering.model.costly)
        continue;
      int loops = isIn(last, op);
      for (Operation *other : group.ops)
        if (familyOf(other) == OpFamily::Reduction)
          loops += isIn(other->getOperand(0), op);
      if (loops > 1)
        shared.insert(shared.begin(), value);
    }
    return shared;
  }

private:
  static bool isComputed(Operation *op) {
    return familyOf(op) != OpFamily::Reduction && familyOf(op) != OpFamily::Contraction;
  }
  // Whether the op is in one loop over the row: back from `values` to inputs, reductions and values that are kept.
  bool isIn(ArrayRef<Value> values, Operation *op) {
    llvm::DenseSet<Operation *> cone;
    for (Value value : values)
      collect(value, cone);
    return cone.contains(op);
  }
  void collect(Value value, llvm::DenseSet<Operation *> &cone) {
    Operation *op = value.getDefiningOp();
    if (!op || inputs.count(value) || !isComputed(op) || llvm::is_contained(shared, value) || !cone.insert(op).second)
      return;
    for (Value operand : op->getOperands())
      collect(operand, cone);
  }

  Lowering &lowering;
  const Group &group;
  const Sizes &space;
  llvm::DenseMap<Value, Storage> inputs;
  SmallVector<Value> shared; // in the order of evaluation
};

} // namespace

SmallVector<Value> sharedRowValues(Lowering &lowering, const Group &group, const Sizes &space, ArrayRef<Value> last) {
  return SharedValues(lowering, group, space).find(last);
}

// Computes the row of a value into scratch memory, or into the row of a result that is to be stored later.
void RowSchedule::keep(Value value, Value row, std::vector<const Storage *> &freeResults) {
  KernelBuilder &k = kernel.k;
  Type element = elementType(value), type = computeType(element);
  Value memory, base = k.index(0);
  if (length.isStatic() && length.constant <= lowering.model.rowScratch) {
    memory = k.scratch(length.constant, type);
  } else {
    auto at = llvm::find_if(freeResults, [&](const Storage *s) { return s->type == type && element == type; });
    if (at == freeResults.end())
      return;
    memory = k.buffer((*at)->planBuffer, type);
    base = k.mul(row, length);
    kernel.mayRunInPlace = false;
    freeResults.erase(at);
  }
  k.loop(k.index(0), k.size(length), true, [&](Value i) {
    Scalar element = kernel.e.evaluate(value, full(row, i));
    k.store(element.value, memory, k.add(base, i));
  });
  kernel.e.override(value, [this, memory, base, row](const Point &point) -> Value {
    KernelBuilder &k = kernel.k;
    Point parts = cut(k, point, space, outer ? boundary(outer) & allBoundaries(int(space.size())) : 0);
    Point before, behind;
    for (const Segment &segment : parts)
      (segment.first < outer ? before : behind).push_back(segment);
    if (!k.reaches(row) || (!rows.is(1) && linear(k, before, space) != row))
      return {};
    OpBuilder::InsertionGuard guard(k.builder);
    Value index = k.add(base, linear(k, behind, space));
    k.hoist({index, row});
    return kernel::LoadOp::create(k.builder, k.location, memory, index);
  });
}

void RowSchedule::run() {
  if (rows.is(0))
    return;
  SmallVector<Value> last;
  for (Value result : group.results)
    if (isFull(result))
      last.push_back(result);
  KernelBuilder &k = kernel.k;
  Sizes outerShape(space.begin(), space.begin() + outer);
  std::vector<const Storage *> freeResults;
  for (auto [i, result] : llvm::enumerate(group.results))
    if (isFull(result))
      freeResults.push_back(&lowering.result(group, i));
  k.loop(k.begin, k.end, false, [&](Value row) {
    for (Value value : sharedRowValues(lowering, group, space, last))
      keep(value, row, freeResults);
    SmallVector<size_t> fullResults;
    for (auto [i, result] : llvm::enumerate(group.results)) {
      if (isFull(result) && !length.is(0)) {
        fullResults.push_back(i);
        continue;
      }
      if (isFull(result))
        continue;
      Sizes shape = sizesOf(result);
      Point at = reshaped(k, outer ? Point{{0, outer, row}} : Point{}, outerShape, shape);
      kernel.store(kernel.e.evaluate(result, at), lowering.result(group, i), at);
    }
    if (fullResults.empty())
      return;
    k.loop(k.index(0), k.size(length), true, [&](Value i) {
      SmallVector<Scalar> values;
      for (size_t result : fullResults)
        values.push_back(kernel.e.evaluate(group.results[result], full(row, i)));
      for (auto [value, result] : llvm::zip(values, fullResults))
        kernel.store(value, lowering.result(group, result), full(row, i));
    });
  });
  lowering.finish(kernel, group, rows, lowering.model.grain(length.estimate(), groupCost(lowering, group)));
}

void scheduleRow(Lowering &lowering, const Group &group) { RowSchedule(lowering, group).run(); }

} // namespace weft
