// Reductions over leading axes, in the canonical order of kernel.reduce but for a tile of columns at a time: row i goes
// to the accumulators of lane i % 64, so that memory is read along its rows, and blocks of 4096 rows are reduced by the
// same rule.
#include "codegen/ScalarBodies.h"
#include "codegen/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace weft {

static constexpr int64_t kLanes = 64, kBlock = 4096; // of the canonical order
static constexpr int64_t kTile = 64;                 // columns of a task

namespace {

class ColumnSchedule {
public:
  ColumnSchedule(Lowering &lowering, const Group &group) : lowering(lowering), group(group), kernel(lowering, group) {
    Operation *first = reduction(0);
    shape = sizesOf(first->getOperand(0));
    lead = int(intsAttr(first, "dims").size());
    rows = product(shape, 0, lead);
    columns = product(shape, lead, int(shape.size()));
    int64_t reach = kBlock;
    for (levels = 1; levels < 3 && (!rows.isStatic() || rows.constant > reach); ++levels)
      reach *= kBlock;
    lanes = kLanes;
    while (rows.isStatic() && lanes > 1 && lanes / 2 >= rows.constant)
      lanes /= 2;
  }
  bool applies() { return !rows.is(0) && !columns.is(0) && ceilDivide(columns, kTile).has_value(); }
  void run();

private:
  Operation *reduction(size_t i) { return group.results[i].getDefiningOp(); }
  Value combine(size_t i, Value a, Value b);
  Value identity(size_t i);
  void overColumns(llvm::function_ref<void(Value)> body) { kernel.k.loop(kernel.k.index(0), width, true, body); }
  Value slot(Value lane, Value column) { return kernel.k.add(kernel.k.mul(lane, kernel.k.index(kTile)), column); }
  void accumulate(int level, Value lane, Value index, bool isFirst);
  void reduce(int level, Value base, Value count);

  Lowering &lowering;
  const Group &group;
  Kernel kernel;
  Sizes shape;
  int lead, levels;
  int64_t lanes;
  Size rows, columns;
  Value firstColumn, width;
  std::vector<SmallVector<Value>> accumulators; // [level][reduction]: lanes x kTile
};

} // namespace

Value ColumnSchedule::combine(size_t i, Value a, Value b) {
  KernelBuilder &k = kernel.k;
  Scalar x{&k.builder, k.location, a}, y{&k.builder, k.location, b};
  std::string kind = reductionKind(reduction(i), elementType(reduction(i)->getOperand(0)));
  if (kind == "sum")
    return (x + y).value;
  if (kind == "prod")
    return (x * y).value;
  if (kind == "max")
    return maximum(x, y).value;
  if (kind == "min")
    return minimum(x, y).value;
  return kind == "any" ? (x | y).value : (x & y).value;
}

Value ColumnSchedule::identity(size_t i) {
  OpBuilder &builder = kernel.k.builder;
  Type type = reducedType(reduction(i));
  std::string kind = reductionKind(reduction(i), elementType(reduction(i)->getOperand(0)));
  TypedAttr value;
  if (isa<FloatType>(type)) {
    double number = kind == "sum" ? -0.0 : kind == "prod" ? 1.0 : kind == "max" ? -INFINITY : INFINITY;
    value = builder.getFloatAttr(type, number);
  } else {
    unsigned bits = type.getIntOrFloatBitWidth();
    APInt number = kind == "prod" || kind == "all" ? APInt(bits, 1)
                   : kind == "max"                 ? APInt::getSignedMinValue(bits)
                   : kind == "min"                 ? APInt::getSignedMaxValue(bits)
                                                   : APInt(bits, 0);
    value = builder.getIntegerAttr(type, number);
  }
  OpBuilder::InsertionGuard guard(builder);
  kernel.k.hoist({});
  return arith::ConstantOp::create(builder, kernel.k.location, value);
}

// Adds element `index` of a level (a row; above, a block of the level below) to a lane's accumulators.
void ColumnSchedule::accumulate(int level, Value lane, Value index, bool isFirst) {
  KernelBuilder &k = kernel.k;
  if (level > 0) {
    int64_t reach = kBlock; // elements of the level below in a block; rows below that
    Value base = k.mul(index, k.index(reach)), total = k.size(rows);
    for (int l = 1; l < level; ++l)
      total = k.div(k.add(total, k.index(kBlock - 1)), k.index(kBlock));
    reduce(level - 1, base, k.min(k.index(reach), k.sub(total, base)));
  }
  overColumns([&](Value column) {
    SmallVector<Value> values;
    for (size_t i = 0; i < group.results.size(); ++i) {
      Value value;
      if (level > 0) {
        value = kernel::LoadOp::create(k.builder, k.location, accumulators[level - 1][i], column);
      } else {
        Point point{{0, lead, index}, {lead, int(shape.size()) - lead, k.add(firstColumn, column)}};
        Scalar scalar = kernel.e.evaluate(reduction(i)->getOperand(0), point);
        Type type = reducedType(reduction(i));
        value = scalar.type() == type ? scalar.value : convert(scalar, type).value;
      }
      if (!isFirst)
        value = combine(i, kernel::LoadOp::create(k.builder, k.location, accumulators[level][i], slot(lane, column)),
                        value);
      values.push_back(value);
    }
    for (auto [i, value] : llvm::enumerate(values))
      k.store(value, accumulators[level][i], slot(lane, column));
  });
}

// Reduces elements [base, base + count) of a level into the first row of its accumulators.
void ColumnSchedule::reduce(int level, Value base, Value count) {
  KernelBuilder &k = kernel.k;
  Value all = k.index(lanes), started = k.min(count, all);
  k.loop(k.index(0), started, false, [&](Value i) { accumulate(level, i, k.add(base, i), true); });
  if (KernelBuilder::constantOf(started) != lanes)
    k.loop(started, all, false, [&](Value lane) {
      overColumns([&](Value column) {
        for (size_t i = 0; i < group.results.size(); ++i)
          k.store(identity(i), accumulators[level][i], slot(lane, column));
      });
    });
  if (KernelBuilder::constantOf(count).value_or(kBlock) > lanes)
    k.loop(all, count, false, [&](Value i) { accumulate(level, k.rem(i, all), k.add(base, i), false); });
  for (int64_t half = lanes / 2; half > 0; half /= 2)
    k.loop(k.index(0), k.index(half), false, [&](Value lane) {
      overColumns([&](Value column) {
        for (size_t i = 0; i < group.results.size(); ++i) {
          Value memory = accumulators[level][i], to = slot(lane, column);
          Value from = slot(k.add(lane, k.index(half)), column);
          Value a = kernel::LoadOp::create(k.builder, k.location, memory, to);
          Value b = kernel::LoadOp::create(k.builder, k.location, memory, from);
          k.store(combine(i, a, b), memory, to);
        }
      });
    });
}

void ColumnSchedule::run() {
  KernelBuilder &k = kernel.k;
  for (int level = 0; level < levels; ++level) {
    accumulators.emplace_back();
    for (size_t i = 0; i < group.results.size(); ++i)
      accumulators.back().push_back(k.scratch(lanes * kTile, reducedType(reduction(i))));
  }
  k.loop(k.begin, k.end, false, [&](Value task) {
    firstColumn = k.mul(task, k.index(kTile));
    width = k.min(k.index(kTile), k.sub(k.size(columns), firstColumn));
    Value count = k.size(rows);
    for (int level = 1; level < levels; ++level)
      count = k.div(k.add(count, k.index(kBlock - 1)), k.index(kBlock));
    reduce(levels - 1, k.index(0), count);
    overColumns([&](Value column) {
      for (auto [i, result] : llvm::enumerate(group.results)) {
        Value total = kernel::LoadOp::create(k.builder, k.location, accumulators.back()[i], column);
        Sizes kept(shape.begin() + lead, shape.end());
        Point at{{0, int(kept.size()), k.add(firstColumn, column)}};
        kernel.store(kernel.e.reduced(reduction(i), total), lowering.result(group, i),
                     reshaped(k, at, kept, sizesOf(result)));
      }
    });
  });
  lowering.finish(kernel, group, *ceilDivide(columns, kTile),
                  grainFor(kTile * rows.estimate(), groupCost(lowering, group)));
}

void scheduleColumn(Lowering &lowering, const Group &group) {
  {
    ColumnSchedule schedule(lowering, group);
    if (schedule.applies())
      return schedule.run();
  }
  scheduleLoop(lowering, group);
}

} // namespace weft
