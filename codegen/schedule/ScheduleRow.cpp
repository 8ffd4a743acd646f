// Work on rows: a task is a row. The evaluator puts each reduction of the row before the loop that needs it; what is
// left to decide is which costly values, used by two of these loops, are kept in memory between them instead of
// computed again.
//
// Where columns are reduced as well, each row is added to them while it is in the cache. In the canonical order row i
// of a block of kBlock rows goes to lane i % kPositions: a task is a few lanes of a block, so that its rows come in
// runs (with rows far apart memory was a fifth slower). Other kernels reduce the lanes.
#include "codegen/schedule/ColumnReduction.h"
#include "codegen/schedule/Schedule.h"

#include "ir/kernel/CanonicalOrder.h"

using namespace mlir;

namespace weft {

using order::kBlock, order::kPositions;
static constexpr int64_t kLanes = 4; // of a task

namespace {

class RowSchedule {
public:
  RowSchedule(Lowering &lowering, const Group &group);
  void run();

private:
  bool isFull(Value value) { return sizesOf(value) == space; }
  void keep(Value value, Value row, std::vector<const Storage *> &freeResults);
  void row(Value row, Value lane = {});
  void lanes(Value task);
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
  KernelBuilder &k;
  Sizes space;
  int outer;
  Size rows, length;
  SmallVector<size_t> fullResults, rowResults, columnResults; // of the group
  std::vector<ColumnReduction> columns;                       // a column result each
  std::vector<Storage> totals;                                // blocks x lanes x length; of a column result each
};

} // namespace

bool reducesRow(Operation *op) { return intsAttr(op, "dims").back() == int64_t(sizesOf(op->getOperand(0)).size()) - 1; }

namespace {

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
        if (familyOf(other) == OpFamily::Reduction && reducesRow(other))
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
  Type element = elementType(value), type = computeType(element);
  Value memory, base = k.index(0);
  if (length.isStatic() && length.constant <= lowering.model.rowScratch) {
    memory = k.scratch(length, type);
  } else if (auto at = llvm::find_if(freeResults, [&](const Storage *s) { return s->type == type && element == type; });
             at != freeResults.end()) {
    memory = k.buffer((*at)->planBuffer, type);
    base = k.mul(row, length);
    kernel.mayRunInPlace = false;
    freeResults.erase(at);
  } else if (!length.isStatic() && !lowering.target.gpu) {
    memory = k.scratch(length, type);
  } else {
    return;
  }
  bool isMoved = false;
  k.loop(k.index(0), k.size(length), true, [&](Value i) {
    Scalar element = kernel.e.evaluate(value, full(row, i));
    isMoved = element.isMoved;
    k.store(element.value, memory, k.add(base, i));
  });
  auto kept = [this, memory, base, row](const Point &point) -> Value {
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
  };
  kernel.e.override(value, kept, isMoved);
}

RowSchedule::RowSchedule(Lowering &lowering, const Group &group)
    : lowering(lowering), group(group), kernel(lowering, group), k(kernel.k) {
  for (int64_t dim : intsAttr(group.op, "space"))
    space.push_back(Size::ofDim(dim));
  outer = int(space.size()) - int(intAttr(group.op, "row"));
  rows = product(space, 0, outer);
  length = product(space, outer, int(space.size()));
  for (auto [i, result] : llvm::enumerate(group.results)) {
    Operation *op = result.getDefiningOp();
    if (familyOf(op) == OpFamily::Reduction && !reducesRow(op)) {
      columnResults.push_back(i);
      columns.emplace_back(kernel.e, k, op);
    } else {
      (isFull(result) ? fullResults : rowResults).push_back(i);
    }
  }
}

// One row; where columns are reduced it is added to the totals of a lane, counted through all blocks.
void RowSchedule::row(Value row, Value lane) {
  std::vector<const Storage *> freeResults;
  SmallVector<Value> last;
  for (size_t result : fullResults) {
    freeResults.push_back(&lowering.result(group, result));
    last.push_back(group.results[result]);
  }
  for (ColumnReduction &column : columns)
    last.push_back(column.op->getOperand(0));
  for (Value value : sharedRowValues(lowering, group, space, last))
    keep(value, row, freeResults);

  Sizes outerShape(space.begin(), space.begin() + outer);
  for (size_t result : rowResults) {
    Value value = group.results[result];
    Point at = reshaped(k, outer ? Point{{0, outer, row}} : Point{}, outerShape, sizesOf(value));
    kernel.store(kernel.e.evaluate(value, at), lowering.result(group, result), at);
  }
  if (last.empty() || length.is(0))
    return;
  k.loop(k.index(0), k.size(length), true, [&](Value i) {
    SmallVector<Scalar> values;
    for (size_t result : fullResults)
      values.push_back(kernel.e.evaluate(group.results[result], full(row, i)));
    SmallVector<Value> elements;
    for (ColumnReduction &column : columns)
      elements.push_back(column.element(full(row, i)));
    for (auto [value, result] : llvm::zip(values, fullResults))
      kernel.store(value, lowering.result(group, result), full(row, i));
    for (size_t c = 0; c < columns.size(); ++c) {
      Value memory = k.buffer(totals[c].planBuffer, columns[c].type), at = k.add(k.mul(lane, length), i);
      Value total = kernel::LoadOp::create(k.builder, k.location, memory, at);
      k.store(columns[c].combine(total, elements[c]), memory, at);
    }
  });
}

// kLanes lanes of a block: the rows of all blocks come in runs of kLanes, a run every kPositions rows.
void RowSchedule::lanes(Value task) {
  Value lanes = k.index(kLanes), positions = k.index(kPositions), firstLane = k.mul(task, lanes);
  Value block = k.div(firstLane, positions), begin = k.mul(block, k.index(kBlock));
  Value end = k.min(k.add(begin, k.index(kBlock)), k.size(rows));
  Value first = k.add(begin, k.rem(firstLane, positions)), span = k.sub(k.max(first, end), first);
  k.loop(k.index(0), lanes, false, [&](Value lane) {
    k.loop(k.index(0), k.size(length), true, [&](Value i) {
      for (auto [column, total] : llvm::zip(columns, totals))
        kernel.store(kernel.e.scalar(column.identity(), column.type), total,
                     {{0, 2, k.add(firstLane, lane)}, {2, 1, i}});
    });
  });
  Value count = k.add(k.mul(k.div(span, positions), lanes), k.min(k.rem(span, positions), lanes));
  k.loop(k.index(0), count, false, [&](Value i) {
    Value lane = k.rem(i, lanes);
    row(k.add(first, k.add(k.mul(k.div(i, lanes), positions), lane)), k.add(firstLane, lane));
  });
}

void RowSchedule::run() {
  if (rows.is(0))
    return;
  int64_t cost = groupCost(lowering, group);
  if (columns.empty()) {
    k.loop(k.begin, k.end, false, [&](Value number) { row(number); });
    return lowering.finish(kernel, group, rows, lowering.model.grain(lowering.estimate(length), cost));
  }
  Size blocks = *ceilDivide(rows, kBlock);
  for (ColumnReduction &column : columns)
    totals.push_back(lowering.temporary({blocks, Size(kPositions), length}, column.type));
  k.loop(k.begin, k.end, false, [&](Value task) { lanes(task); });
  int64_t rowsOfTask = kBlock / kPositions * kLanes;
  lowering.finish(kernel, group, blocks * Size(kPositions / kLanes),
                  lowering.model.grain(rowsOfTask * lowering.estimate(length), cost));
  scheduleLanesOfColumns(lowering, group, columnResults, totals);
}

void scheduleRow(Lowering &lowering, const Group &group) {
  Sizes space;
  for (int64_t dim : intsAttr(group.op, "space"))
    space.push_back(Size::ofDim(dim));
  int outer = int(space.size()) - int(intAttr(group.op, "row"));
  if (lowering.target.gpu ? !scheduleRowForGpu(lowering, group, space, outer)
                          : !scheduleShortRows(lowering, group, space, outer))
    RowSchedule(lowering, group).run();
}

} // namespace weft
