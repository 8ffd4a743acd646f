// What a GPU does in other steps than a CPU, so that all of its multiprocessors have work and neighbouring threads read
// neighbouring elements. Orders of summation are the same.
#include "codegen/schedule/Schedule.h"
#include "ir/kernel/CanonicalOrder.h"

using namespace mlir;

namespace weft {

using order::kBlock;

// A column is a task, whose threads are neighbours of other columns' (codegen/cuda/StridingLoop.cpp). Where these are
// few and long, blocks of their rows are tasks, and then their results' columns.
void scheduleColumnForGpu(Lowering &lowering, const Group &group) {
  Operation *first = group.results.front().getDefiningOp();
  Sizes shape = sizesOf(first->getOperand(0));
  std::vector<int64_t> dims = intsAttr(first, "dims");
  int rank = int(shape.size()), begin = int(dims.front()), end = int(dims.back()) + 1;
  Size outer = product(shape, 0, begin), rows = product(shape, begin, end), columns = product(shape, end, rank);
  auto blocks = ceilDivide(rows, kBlock);
  if (!blocks || blocks->is(1) || rows.is(0) || outer.is(0) || columns.is(0) ||
      lowering.estimate(outer * columns) >= lowering.model.manyColumns)
    return scheduleLoop(lowering, group);

  std::vector<Storage> partial;
  for (Value result : group.results)
    partial.push_back(lowering.temporary({outer, *blocks, columns}, reducedType(result.getDefiningOp())));
  Sizes space{outer, *blocks, columns}, kept{outer, columns};
  {
    Kernel kernel(lowering, group);
    KernelBuilder &k = kernel.k;
    kernel.suffix = "_blocks";
    k.loop(k.begin, k.end, true, [&](Value task) {
      Value row, block, column;
      std::tie(row, column) = k.split(task, columns);
      std::tie(row, block) = k.split(row, *blocks);
      Value base = k.mul(block, k.index(kBlock)), count = k.min(k.index(kBlock), k.sub(k.size(rows), base));
      for (auto [result, to] : llvm::zip(group.results, partial)) {
        Operation *op = result.getDefiningOp();
        Value operand = op->getOperand(0);
        Value total = k.reduce(reductionKind(op, elementType(operand)), count, to.type, [&](Value i) {
          Point point{{begin, end - begin, k.add(base, i)}, {end, rank - end, column}};
          if (begin)
            point.insert(point.begin(), Segment{0, begin, row});
          return reducedElement(op, kernel.e.evaluate(operand, point));
        });
        kernel.store(kernel.e.scalar(total, to.type), to, {{0, 3, task}});
      }
    });
    lowering.finish(kernel, group, product(space), 1);
  }
  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  kernel.suffix = "_of_blocks";
  k.loop(k.begin, k.end, true, [&](Value task) {
    auto [row, column] = k.split(task, columns);
    Sizes left(shape.begin(), shape.begin() + begin);
    left.insert(left.end(), shape.begin() + end, shape.end());
    for (auto [i, from] : llvm::enumerate(partial)) {
      Operation *op = group.results[i].getDefiningOp();
      Value total = k.reduce(reductionKind(op, elementType(op->getOperand(0))), k.size(*blocks), from.type,
                             [&, row = row, column = column, &from = from](Value block) {
                               return kernel.e.load(from, {{0, 1, row}, {1, 1, block}, {2, 1, column}}).value;
                             });
      const Storage &result = lowering.result(group, i);
      kernel.store(kernel.e.reduced(op, total), result, reshaped(k, {{0, int(left.size()), task}}, left, result.shape));
    }
  });
  lowering.finish(kernel, group, product(kept), 1);
}

namespace {

// A group of rows in steps of their own: what one leaves in memory is an input of the others.
class RowSteps {
public:
  RowSteps(Lowering &lowering, const Group &group) : lowering(lowering), rest(group) {}

  // The group with these results alone.
  Group with(ArrayRef<Value> results) {
    Group part = rest;
    part.results.assign(results.begin(), results.end());
    part.outside.clear();
    for (Value result : results) {
      auto found = llvm::find(rest.results, result);
      part.outside.push_back(found == rest.results.end() ? result : rest.outside[found - rest.results.begin()]);
    }
    return part;
  }
  // A place for a value that may be no result of the group.
  void makePlace(Value value) {
    if (!llvm::is_contained(rest.results, value))
      lowering.values[value] = lowering.temporary(sizesOf(value), elementType(value));
  }
  // From now on the value is read.
  void isThere(Value value) {
    rest.inputs.push_back({value, with(value).outside.front()});
    llvm::erase(rest.ops, value.getDefiningOp());
  }

private:
  Lowering &lowering;
  Group rest;
};

} // namespace

static SmallVector<Value> rowReductions(const Group &group) {
  SmallVector<Value> values;
  for (Operation *op : group.ops)
    if (familyOf(op) == OpFamily::Reduction && reducesRow(op))
      values.push_back(op->getResult(0));
  return values;
}

bool scheduleRowForGpu(Lowering &lowering, const Group &group, const Sizes &space, int outer) {
  auto isColumn = [](Value value) {
    Operation *op = value.getDefiningOp();
    return familyOf(op) == OpFamily::Reduction && !reducesRow(op);
  };
  Size rows = product(space, 0, outer), length = product(space, outer, int(space.size()));
  SmallVector<Value> columns, others, reductions = rowReductions(group);
  for (Value result : group.results)
    (isColumn(result) ? columns : others).push_back(result);
  const CostModel &model = lowering.model;
  bool isLong = length.isStatic() && length.constant >= model.longRow && ceilDivide(length, kBlock) &&
                lowering.estimate(rows) <= model.multiprocessors;
  if (rows.is(0) || length.is(0) || (!isLong && columns.empty()))
    return false;

  RowSteps steps(lowering, group);
  for (Value reduction : reductions)
    steps.makePlace(reduction);
  if (isLong) {
    for (Value reduction : reductions) {
      scheduleReduction(lowering, steps.with(reduction));
      steps.isThere(reduction);
      llvm::erase(others, reduction);
    }
    for (Value result : others)
      scheduleLoop(lowering, steps.with(result));
  } else {
    SmallVector<Value> ofRows = others;
    for (Value reduction : reductions)
      if (!llvm::is_contained(ofRows, reduction))
        ofRows.push_back(reduction);
    if (!ofRows.empty())
      scheduleRow(lowering, steps.with(ofRows));
    for (Value reduction : reductions)
      steps.isThere(reduction);
  }
  if (!columns.empty())
    scheduleColumnForGpu(lowering, steps.with(columns));
  return true;
}

} // namespace weft
