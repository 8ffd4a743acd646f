// Reductions over axes with others behind them, in the canonical order of kernel.reduce but for a strip of columns at a
// time: row i goes to the accumulators of lane i % 64, so that memory is read along its rows, and blocks of kBlock rows
// are reduced by the same rule. A reduction of many rows is two kernels: blocks side by side, then their results.
// Images that lie channels last are reduced to their channels so, too: axes before and behind the columns are the rows.
#include "codegen/schedule/ColumnReduction.h"
#include "codegen/schedule/Schedule.h"

#include "ir/kernel/CanonicalOrder.h"

using namespace mlir;

namespace weft {

using order::kBlock, order::kPositions;
static constexpr int64_t kGroup = 8; // lanes that the tree joins at once
static constexpr int64_t kUnit = 16; // columns that are a task

namespace {

// The axes: others, the rows', the columns', and behind those what of the rows there is.
struct ColumnAxes {
  int first, columns, behind;
  explicit ColumnAxes(Operation *op) {
    std::vector<int64_t> dims = intsAttr(op, "dims");
    int count = int(dims.size()), lead = 1;
    while (lead < count && dims[lead] == dims[0] + lead)
      ++lead;
    first = int(dims[0]), columns = first + lead, behind = int(sizesOf(op->getOperand(0)).size()) - (count - lead);
  }
};

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
  ColumnSchedule(Lowering &lowering, const Group &group, ArrayRef<size_t> results, Columns space);
  void run(StringRef suffix);

private:
  using Elements = SmallVector<Value>; // one a result
  using Sink = llvm::function_ref<void(Value column, const Elements &totals)>;

  Elements rowElements(Value row, Value column);
  void store(const Elements &totals, Value block, Value column);
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
  SmallVector<size_t> results; // of the group
  Columns space;
  Kernel kernel;
  KernelBuilder &k;
  std::vector<ColumnReduction> reductions; // a result each
  Sizes shape;                             // of the operands
  ColumnAxes axes;
  int64_t lanes, strip, unit, unroll;
  bool direct; // so few rows that they go straight into the tree
  bool whole;  // units of columns are whole vectors
  Value outer, firstColumn, width;
  std::vector<Elements> accumulators; // [level][result]: lanes x strip
};

} // namespace

ColumnSchedule::ColumnSchedule(Lowering &lowering, const Group &group, ArrayRef<size_t> results, Columns columns)
    : lowering(lowering), group(group), results(results), space(std::move(columns)), kernel(lowering, group),
      k(kernel.k), axes(group.results[results.front()].getDefiningOp()) {
  for (size_t result : results)
    reductions.emplace_back(kernel.e, k, group.results[result].getDefiningOp());
  Operation *op = reductions.front().op;
  shape = sizesOf(op->getOperand(0));
  int64_t rows = space.rows.isStatic() ? space.rows.constant : kBlock;
  for (lanes = kPositions; lanes > 1 && lanes / 2 >= rows;)
    lanes /= 2;
  int64_t cost = space.from.empty() ? groupCost(lowering, group) + 1 : 1;
  // Blocks whose number is not known are few: a long kernel would take longer to compile than it saves.
  bool mayUnroll = space.from.empty() || space.rows.isStatic();
  for (unroll = 1; mayUnroll && unroll < kGroup && 2 * unroll * cost <= lowering.model.unrolledOperations;)
    unroll *= 2;
  direct = lanes <= kGroup ? rows <= unroll : rows <= lanes && rows % kGroup == 0 && rows / kGroup <= unroll;

  accumulators.assign(space.levels, Elements(reductions.size()));
  int64_t bytes = 0; // of a column's accumulators
  for (const ColumnReduction &reduction : reductions)
    bytes += space.levels * (direct ? kGroup : lanes) * llvm::divideCeil(reduction.type.getIntOrFloatBitWidth(), 8);
  int64_t widest = space.columns.isStatic() ? std::min(lowering.model.widestStrip, space.columns.constant)
                                            : lowering.model.widestStrip;
  for (strip = lowering.model.narrowestStrip; strip < widest && 2 * strip * bytes <= lowering.target.level2Bytes / 4;)
    strip *= 2;
  whole = space.columns.isStatic() && space.columns.constant % kUnit == 0;
  unit = ceilDivide(space.columns, kUnit) ? kUnit : 1;
}

// Accumulators are made when they are first asked for: small reductions need none.
Value ColumnSchedule::memory(int level, size_t i) {
  Value &memory = accumulators[level][i];
  if (!memory)
    memory = k.scratch((direct ? kGroup : lanes) * strip, reductions[i].type);
  return memory;
}

ColumnSchedule::Elements ColumnSchedule::rowElements(Value row, Value column) {
  column = k.add(firstColumn, column);
  Elements elements;
  for (size_t i = 0; i < reductions.size(); ++i) {
    if (!space.from.empty()) {
      elements.push_back(kernel.e.load(space.from[i], {{0, 1, outer}, {1, 1, row}, {2, 1, column}}).value);
      continue;
    }
    int rank = int(shape.size()), lead = axes.columns - axes.first;
    Value before = row, behind;
    if (axes.behind < rank)
      std::tie(before, behind) = k.split(row, product(shape, axes.behind, rank));
    Point point{{axes.first, lead, before}, {axes.columns, axes.behind - axes.columns, column}};
    if (axes.first)
      point.insert(point.begin(), Segment{0, axes.first, outer});
    if (behind)
      point.push_back({axes.behind, rank - axes.behind, behind});
    elements.push_back(reductions[i].element(point));
  }
  return elements;
}

void ColumnSchedule::store(const Elements &totals, Value block, Value column) {
  column = k.add(firstColumn, column);
  Sizes kept(shape.begin(), shape.begin() + axes.first);
  kept.insert(kept.end(), shape.begin() + axes.columns, shape.begin() + axes.behind);
  Point at{{axes.first, axes.behind - axes.columns, column}};
  if (axes.first)
    at.insert(at.begin(), Segment{0, axes.first, outer});
  for (size_t i = 0; i < reductions.size(); ++i) {
    if (!space.to.empty()) {
      Scalar total = kernel.e.scalar(totals[i], space.to[i].type);
      kernel.store(total, space.to[i], {{0, 1, outer}, {1, 1, block}, {2, 1, column}});
      continue;
    }
    const Storage &result = lowering.result(group, results[i]);
    kernel.store(kernel.e.reduced(reductions[i].op, totals[i]), result, reshaped(k, at, kept, result.shape));
  }
}

void ColumnSchedule::overColumns(llvm::function_ref<void(Value)> body) {
  if (!whole)
    return k.loop(k.index(0), width, true, body);
  k.loop(k.index(0), k.div(width, k.index(kUnit)), false, [&](Value vector) {
    k.loop(k.index(0), k.index(kUnit), true, [&](Value i) { body(k.add(k.mul(vector, k.index(kUnit)), i)); });
  });
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
    for (size_t i = 0; i < reductions.size(); ++i) {
      Value sum = accumulated(level, i, lane, column);
      for (const Elements &values : elements)
        sum = reductions[i].combine(sum, values[i]);
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
        for (size_t i = 0; i < reductions.size(); ++i)
          k.store(reductions[i].identity(), memory(level, i), slot(lane, column));
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
    for (size_t i = 0; i < reductions.size(); ++i)
      sums.push_back(reductions[i].tree(lanes, [&](int64_t j) {
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
      for (size_t i = 0; i < reductions.size(); ++i)
        totals.push_back(
            reductions[i].tree(joined, [&](int64_t j) { return accumulated(level, i, k.index(j), column); }));
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
  int64_t grain = lowering.model.grain(unit * std::min(kBlock, lowering.estimate(space.rows)), cost);
  lowering.finish(kernel, group, grid,
                  std::max(grain, std::min(lowering.model.columnPiece / unit, lowering.estimate(grid) / 4)));
}

// Blocks, outer x blocks x columns of each result, to the results.
static void reduceBlocks(Lowering &lowering, const Group &group, ArrayRef<size_t> results,
                         std::vector<Storage> blocks) {
  const Sizes &shape = blocks.front().shape;
  Columns rest{shape[0], shape[1], shape[2]};
  rest.levels = rest.rows.isStatic() && rest.rows.constant <= kBlock ? 1 : 2;
  rest.from = std::move(blocks);
  ColumnSchedule(lowering, group, results, rest).run("_of_blocks");
}

static SmallVector<size_t> allResults(const Group &group) {
  return llvm::to_vector(llvm::seq<size_t>(0, group.results.size()));
}

void scheduleColumn(Lowering &lowering, const Group &group) {
  Operation *op = group.results.front().getDefiningOp();
  Sizes shape = sizesOf(op->getOperand(0));
  if (lowering.target.gpu)
    return scheduleColumnForGpu(lowering, group);
  ColumnAxes axes(op);
  Columns all{product(shape, 0, axes.first),
              product(shape, axes.first, axes.columns) * product(shape, axes.behind, int(shape.size())),
              product(shape, axes.columns, axes.behind)};
  if (all.outer.is(0) || all.rows.is(0) || all.columns.is(0))
    return scheduleLoop(lowering, group);
  SmallVector<size_t> results = allResults(group);
  if (all.rows.isStatic() && all.rows.constant <= kBlock)
    return ColumnSchedule(lowering, group, results, all).run("");

  // The depth that an unknown number of rows needs is that of kBlock^3.
  auto blocks = ceilDivide(all.rows, kBlock);
  if (!blocks) {
    all.levels = 3;
    return ColumnSchedule(lowering, group, results, all).run("");
  }
  all.blocks = *blocks;
  for (Value result : group.results)
    all.to.push_back(lowering.temporary({all.outer, *blocks, all.columns}, reducedType(result.getDefiningOp())));
  ColumnSchedule(lowering, group, results, all).run("_blocks");
  reduceBlocks(lowering, group, results, all.to);
}

void scheduleLanesOfColumns(Lowering &lowering, const Group &group, ArrayRef<size_t> results,
                            const std::vector<Storage> &lanes) {
  Size blocks = lanes.front().shape[0], columns = lanes.front().shape[2];
  // A row is all that a lane has left.
  Columns all{blocks, Size(kPositions), columns};
  all.from = lanes;
  for (const Storage &each : lanes)
    if (!blocks.is(1))
      all.to.push_back(lowering.temporary({blocks, Size(1), columns}, each.type));
  ColumnSchedule(lowering, group, results, all).run("_of_lanes");
  if (blocks.is(1))
    return;
  for (Storage &block : all.to) { // the same memory
    block.shape = {Size(1), blocks, columns};
    block.strides = rowMajorStrides(block.shape);
  }
  reduceBlocks(lowering, group, results, all.to);
}

} // namespace weft
