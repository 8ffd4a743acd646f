// Reductions over axes with others behind them, in the canonical order of kernel.reduce but for a strip of columns at a
// time: row i goes to the accumulators of lane i % 64, so that memory is read along its rows, and blocks of kBlock rows
// are reduced by the same rule. A reduction of many rows is two kernels: blocks side by side, then their results.
#include "codegen/ScalarBodies.h"
#include "codegen/Schedule.h"

#include "ir/kernel/CanonicalOrder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace weft {

using order::kBlock, order::kPositions;
static constexpr int64_t kGroup = 8; // lanes that the tree joins at once
static constexpr int64_t kUnit = 16; // columns that are a task

namespace {

// What is reduced: the group's operands, or the results of blocks.
struct Columns {
  Size outer, rows, columns;
  int levels = 1;                 // of blocks that a task goes through by itself
  Size blocks{1};                 // else of rows, as tasks of their own
  std::vector<Storage> from = {}; // outer x rows x columns; empty: the operands
  std::vector<Storage> to = {};   // outer x blocks x columns; empty: the group's results
};

class ColumnSchedule {
public:
  ColumnSchedule(Lowering &lowering, const Group &group, Columns space);
  void run(StringRef suffix);

private:
  using Elements = SmallVector<Value>; // one a result
  using Sink = llvm::function_ref<void(Value column, const Elements &totals)>;

  Operation *reduction(size_t i) { return group.results[i].getDefiningOp(); }
  std::string kind(size_t i) { return reductionKind(reduction(i), elementType(reduction(i)->getOperand(0))); }
  Value combine(size_t i, Value a, Value b);
  Value identity(size_t i);
  Elements rowElements(Value row, Value column);
  void store(const Elements &totals, Value block, Value column);
  Value tree(size_t i, int64_t count, llvm::function_ref<Value(int64_t)> leaf);
  void overColumns(llvm::function_ref<void(Value)> body);
  Value memory(int level, size_t i);
  Value slot(Value lane, Value column) { return k.add(k.mul(lane, k.index(strip)), column); }
  Value accumulated(int level, size_t i, Value lane, Value column) {
    return kernel::LoadOp::create(k.builder, k.location, memory(level, i), slot(lane, column));
  }
  Value countOf(int level);
  void accumulate(int level, Value base, Value count);
  void reduce(int level, Value base, Value count, Sink sink);
  void part(Value block, Value firstUnit, Value lastUnit);

  Lowering &lowering;
  const Group &group;
  Columns space;
  Kernel kernel;
  KernelBuilder &k;
  Sizes shape; // of the operands
  int first, lead;
  int64_t lanes, strip, unit, unroll;
  bool direct; // so few rows that they go straight into the tree
  bool whole;  // units of columns are whole vectors
  Value outer, firstColumn, width;
  std::vector<Elements> accumulators; // [level][result]: lanes x strip
};

} // namespace

ColumnSchedule::ColumnSchedule(Lowering &lowering, const Group &group, Columns columns)
    : lowering(lowering), group(group), space(std::move(columns)), kernel(lowering, group), k(kernel.k) {
  Operation *op = reduction(0);
  shape = sizesOf(op->getOperand(0));
  first = int(intsAttr(op, "dims").front());
  lead = int(intsAttr(op, "dims").size());
  int64_t rows = space.rows.isStatic() ? space.rows.constant : kBlock;
  for (lanes = kPositions; lanes > 1 && lanes / 2 >= rows;)
    lanes /= 2;
  int64_t cost = space.from.empty() ? groupCost(lowering, group) + 1 : 1;
  for (unroll = 1; unroll < kGroup && 2 * unroll * cost <= lowering.model.unrolledOperations;)
    unroll *= 2;
  direct = lanes <= kGroup ? rows <= unroll : rows <= lanes && rows % kGroup == 0 && rows / kGroup <= unroll;

  accumulators.assign(space.levels, Elements(group.results.size()));
  int64_t bytes = 0; // of a column's accumulators
  for (size_t i = 0; i < group.results.size(); ++i)
    bytes += space.levels * (direct ? kGroup : lanes) * llvm::divideCeil(reducedType(op).getIntOrFloatBitWidth(), 8);
  bool gpu = lowering.target.gpu;
  int64_t widest = space.columns.isStatic() ? std::min(lowering.model.widestStrip, space.columns.constant)
                                            : lowering.model.widestStrip;
  for (strip = lowering.model.narrowestStrip;
       !gpu && strip < widest && 2 * strip * bytes <= lowering.target.level2Bytes / 4;)
    strip *= 2;
  whole = !gpu && space.columns.isStatic() && space.columns.constant % kUnit == 0;
  unit = gpu ? strip : ceilDivide(space.columns, kUnit) ? kUnit : 1;
}

// Accumulators are made when they are first asked for: small reductions need none.
Value ColumnSchedule::memory(int level, size_t i) {
  Value &memory = accumulators[level][i];
  if (!memory)
    memory = k.scratch((direct ? kGroup : lanes) * strip, reducedType(reduction(i)));
  return memory;
}

Value ColumnSchedule::combine(size_t i, Value a, Value b) {
  Scalar x{&k.builder, k.location, a}, y{&k.builder, k.location, b};
  std::string kind = this->kind(i);
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
  OpBuilder &builder = k.builder;
  Type type = reducedType(reduction(i));
  std::string kind = this->kind(i);
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
  k.hoist({});
  return arith::ConstantOp::create(builder, k.location, value);
}

ColumnSchedule::Elements ColumnSchedule::rowElements(Value row, Value column) {
  column = k.add(firstColumn, column);
  Elements elements;
  for (size_t i = 0; i < group.results.size(); ++i) {
    if (!space.from.empty()) {
      elements.push_back(kernel.e.load(space.from[i], {{0, 1, outer}, {1, 1, row}, {2, 1, column}}).value);
      continue;
    }
    Point point{{first, lead, row}, {first + lead, int(shape.size()) - first - lead, column}};
    if (first)
      point.insert(point.begin(), Segment{0, first, outer});
    Scalar value = kernel.e.evaluate(reduction(i)->getOperand(0), point);
    Type type = reducedType(reduction(i));
    elements.push_back(value.type() == type ? value.value : convert(value, type).value);
  }
  return elements;
}

void ColumnSchedule::store(const Elements &totals, Value block, Value column) {
  column = k.add(firstColumn, column);
  Sizes kept(shape.begin(), shape.begin() + first);
  kept.insert(kept.end(), shape.begin() + first + lead, shape.end());
  Point at{{first, int(kept.size()) - first, column}};
  if (first)
    at.insert(at.begin(), Segment{0, first, outer});
  for (size_t i = 0; i < group.results.size(); ++i) {
    if (!space.to.empty()) {
      Scalar total = kernel.e.scalar(totals[i], space.to[i].type);
      kernel.store(total, space.to[i], {{0, 1, outer}, {1, 1, block}, {2, 1, column}});
      continue;
    }
    const Storage &result = lowering.result(group, i);
    kernel.store(kernel.e.reduced(reduction(i), totals[i]), result, reshaped(k, at, kept, result.shape));
  }
}

void ColumnSchedule::overColumns(llvm::function_ref<void(Value)> body) {
  if (!whole)
    return k.loop(k.index(0), width, true, body);
  k.loop(k.index(0), k.div(width, k.index(kUnit)), false, [&](Value vector) {
    k.loop(k.index(0), k.index(kUnit), true, [&](Value i) { body(k.add(k.mul(vector, k.index(kUnit)), i)); });
  });
}

// The canonical tree over `count` lanes, a power of two; a null leaf stands for the identity.
Value ColumnSchedule::tree(size_t i, int64_t count, llvm::function_ref<Value(int64_t)> leaf) {
  SmallVector<Value> values;
  for (int64_t lane = 0; lane < count; ++lane)
    values.push_back(leaf(lane));
  for (int64_t half = count / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane)
      if (values[lane + half])
        values[lane] = combine(i, values[lane], values[lane + half]);
  return values[0];
}

// How many elements a level has: rows, above that blocks of the level below.
Value ColumnSchedule::countOf(int level) {
  if (level == 0)
    return k.size(space.rows);
  return k.div(k.add(countOf(level - 1), k.index(kBlock - 1)), k.index(kBlock));
}

// Adds elements [base, base + count) of a level to its accumulators.
void ColumnSchedule::accumulate(int level, Value base, Value count) {
  auto add = [&](Value lane, Value column, ArrayRef<Elements> elements) {
    for (size_t i = 0; i < group.results.size(); ++i) {
      Value sum = accumulated(level, i, lane, column);
      for (const Elements &values : elements)
        sum = combine(i, sum, values[i]);
      k.store(sum, memory(level, i), slot(lane, column));
    }
  };
  if (level > 0) {
    k.loop(k.index(0), count, false, [&](Value i) {
      Value from = k.mul(k.add(base, i), k.index(kBlock));
      Value below = k.min(k.index(kBlock), k.sub(countOf(level - 1), from));
      reduce(level - 1, from, below,
             [&](Value column, const Elements &totals) { add(k.rem(i, k.index(lanes)), column, {totals}); });
    });
    return;
  }
  // Rows that fall to the same lane are added in one go: its accumulators are read and written once.
  auto addRows = [&](Value lane, Value row, int64_t count) {
    overColumns([&](Value column) {
      SmallVector<Elements> elements;
      for (int64_t j = 0; j < count; ++j)
        elements.push_back(rowElements(k.add(row, k.index(j * lanes)), column));
      add(lane, column, elements);
    });
  };
  Value done = k.index(0);
  if (int64_t step = lanes * unroll; unroll > 1 && KernelBuilder::constantOf(count).value_or(step) >= step) {
    Value steps = k.div(count, k.index(step));
    done = k.mul(steps, k.index(step));
    k.loop(k.index(0), steps, false, [&](Value i) {
      Value row = k.add(base, k.mul(i, k.index(step)));
      k.loop(k.index(0), k.index(lanes), false, [&](Value lane) { addRows(lane, k.add(row, lane), unroll); });
    });
  }
  k.loop(done, count, false, [&](Value i) { addRows(k.rem(i, k.index(lanes)), k.add(base, i), 1); });
}

// Reduces elements [base, base + count) of a level.
void ColumnSchedule::reduce(int level, Value base, Value count, Sink sink) {
  int64_t joined = std::min(lanes, kGroup);
  if (!direct) {
    k.loop(k.index(0), k.index(lanes), false, [&](Value lane) {
      overColumns([&](Value column) {
        for (size_t i = 0; i < group.results.size(); ++i)
          k.store(identity(i), memory(level, i), slot(lane, column));
      });
    });
    accumulate(level, base, count);
  }
  // Lanes first, first + step, ... as rows of the operand or as accumulators.
  auto join = [&](Value first, int64_t step, int64_t lanes, Value column) {
    SmallVector<Elements> rows;
    for (int64_t j = 0; direct && j * step < space.rows.constant; ++j)
      rows.push_back(rowElements(k.add(first, k.index(j * step)), column));
    Elements sums;
    for (size_t i = 0; i < group.results.size(); ++i)
      sums.push_back(tree(i, lanes, [&](int64_t j) {
        if (direct)
          return j < int64_t(rows.size()) ? rows[j][i] : Value();
        return accumulated(level, i, k.add(first, k.index(j * step)), column);
      }));
    return sums;
  };
  if (lanes > joined) {
    k.loop(k.index(0), k.index(joined), false, [&](Value lane) {
      overColumns([&](Value column) {
        for (auto [i, sum] : llvm::enumerate(join(lane, joined, lanes / joined, column)))
          k.store(sum, memory(level, i), slot(lane, column));
      });
    });
    overColumns([&](Value column) {
      Elements totals;
      for (size_t i = 0; i < group.results.size(); ++i)
        totals.push_back(tree(i, joined, [&](int64_t j) { return accumulated(level, i, k.index(j), column); }));
      sink(column, totals);
    });
    return;
  }
  overColumns([&](Value column) { sink(column, join(k.index(0), 1, lanes, column)); });
}

// Units [firstUnit, lastUnit) of the columns, in strips.
void ColumnSchedule::part(Value block, Value firstUnit, Value lastUnit) {
  Value begin = k.mul(firstUnit, k.index(unit)), end = k.min(k.mul(lastUnit, k.index(unit)), k.size(space.columns));
  Value strips = k.div(k.add(k.sub(end, begin), k.index(strip - 1)), k.index(strip));
  k.loop(k.index(0), strips, false, [&](Value i) {
    firstColumn = k.add(begin, k.mul(i, k.index(strip)));
    width = k.min(k.index(strip), k.sub(end, firstColumn));
    Value base = k.index(0), count = countOf(space.levels - 1);
    if (!space.blocks.is(1)) {
      base = k.mul(block, k.index(kBlock));
      count = k.min(k.index(kBlock), k.sub(count, base));
    }
    reduce(space.levels - 1, base, count, [&](Value column, const Elements &totals) { store(totals, block, column); });
  });
}

void ColumnSchedule::run(StringRef suffix) {
  kernel.suffix = suffix.str();
  Size units = unit == 1 ? space.columns : *ceilDivide(space.columns, unit), parts = space.outer * space.blocks;
  if (parts.is(1)) {
    outer = k.index(0);
    part(k.index(0), k.begin, k.end);
  } else {
    Value all = k.size(units);
    k.loop(k.div(k.begin, all), k.div(k.add(k.end, k.sub(all, k.index(1))), all), false, [&](Value i) {
      Value block, before = k.mul(i, all);
      std::tie(outer, block) = k.split(i, space.blocks);
      part(block, k.sub(k.max(k.begin, before), before), k.min(k.sub(k.end, before), all));
    });
  }
  Size grid = parts * units;
  int64_t cost = space.from.empty() ? groupCost(lowering, group) : 1;
  int64_t grain = lowering.model.grain(unit * std::min(kBlock, space.rows.estimate()), cost);
  lowering.finish(kernel, group, grid,
                  std::max(grain, std::min(lowering.model.columnPiece / unit, grid.estimate() / 4)));
}

void scheduleColumn(Lowering &lowering, const Group &group) {
  Operation *op = group.results.front().getDefiningOp();
  Sizes shape = sizesOf(op->getOperand(0));
  std::vector<int64_t> dims = intsAttr(op, "dims");
  int first = int(dims.front()), end = int(dims.back()) + 1;
  Columns all{product(shape, 0, first), product(shape, first, end), product(shape, end, int(shape.size()))};
  bool fits = !lowering.target.gpu || ceilDivide(all.columns, lowering.model.narrowestStrip);
  if (all.outer.is(0) || all.rows.is(0) || all.columns.is(0) || !fits)
    return scheduleLoop(lowering, group);
  if (all.rows.isStatic() && all.rows.constant <= kBlock)
    return ColumnSchedule(lowering, group, all).run("");

  // The depth that an unknown number of rows needs is that of kBlock^3.
  auto blocks = ceilDivide(all.rows, kBlock);
  if (!blocks) {
    all.levels = 3;
    return ColumnSchedule(lowering, group, all).run("");
  }
  Columns parts = all, rest{all.outer, *blocks, all.columns};
  parts.blocks = *blocks;
  rest.levels = blocks->isStatic() && blocks->constant <= kBlock ? 1 : 2;
  for (Value result : group.results)
    parts.to.push_back(lowering.temporary({all.outer, *blocks, all.columns}, reducedType(result.getDefiningOp())));
  rest.from = parts.to;
  ColumnSchedule(lowering, group, parts).run("_blocks");
  ColumnSchedule(lowering, group, rest).run("_of_blocks");
}

} // namespace weft
