// Attention: a task is a head, or some of its rows. Blocks of rows of scores are made in scratch memory, worked on row by
// row where they are, and multiplied on. A product over the rows takes 256 of them at a time: its sum has blocks of so
// many (ir/kernel/KernelOps.td).
#include "codegen/CausalMask.h"
#include "ir/OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {

static constexpr int64_t kBlockElements = 1 << 16; // of scores that are worked on together: they stay in a core's cache
static constexpr int64_t kMostRows = 128, kLeastRows = 32;
static constexpr int64_t kDepth = 256;
static constexpr int64_t kVector = 16;
static constexpr int64_t kFewTasks = 16;   // rows are divided if there are fewer heads
static constexpr int64_t kRowPadding = 16; // rows a power of two apart would share sets of the cache

namespace {

class AttentionSchedule {
public:
  AttentionSchedule(Lowering &lowering, const Group &group)
      : lowering(lowering), group(group), kernel(lowering, group), k(kernel.k), parts(lowering, group),
        causal(hidesLaterColumns(group, parts)) {}
  void run();

private:
  // One loop over a row: of a reduction, of a value that is kept, or the last one. With the held values that it reads.
  struct RowLoop {
    Value value;
    SmallVector<Value> reads;
  };
  // Scores, or what became of them, in scratch memory.
  struct Memory {
    Value buffer;
    bool isBlock; // else one row
  };

  void planRows();
  SmallVector<Value> heldBehind(ArrayRef<Value> values);
  Memory memoryFor(Value value, size_t loop, bool isBlock);
  void hold(Value value, Memory memory);

  Point inRow(Value j) { return {{0, parts.batches + 1, row}, {parts.batches + 1, 1, j}}; }
  void plan();
  void clearSums();
  void rowBlock(Value number);
  void workOnRow();
  void storeRowResults();
  Value base(const MatrixOperand &operand, Value free);
  void intoScores(const ScoreProduct &product, Value first, Value count);
  void multiply(const ResultProduct &product, std::pair<Value, Value> rows, std::pair<Value, Value> columns,
                llvm::function_ref<void(Value scoreFree, Value otherFree, Value sum)> body);
  void outOfScores(const ResultProduct &product, Value first, Value count);
  void outOfRows(const ResultProduct &product, Value end);
  void storeSums(const ResultProduct &product);
  void storeResult(const ResultProduct &product, Value scoreFree, Value otherFree, Value sum);
  Scalar element(const MatrixOperand &operand, Value free, Value contract);
  void sumHidden(const ResultProduct &product);
  Value withHidden(const ResultProduct &product, Value sum, Value entry, Value otherFree);
  Value sumIndex(const ResultProduct &product, Value scoreFree, Value otherFree);
  int64_t strips() const { return (parts.columns.constant + blockRows - 1) / blockRows; }

  Lowering &lowering;
  const Group &group;
  Kernel kernel;
  KernelBuilder &k;
  AttentionParts parts;
  const bool causal; // columns after a row's number are left out
  bool overRows = false; // some product is a sum over rows
  int64_t blockRows = 0, blocks = 0, heldRows = 0, rowStride = 0, blocksOfTask = 0, tasksOfHead = 0;
  SmallVector<Value> taken; // the values that products take, each once
  std::vector<RowLoop> loops;
  llvm::DenseMap<Value, Memory> held;
  llvm::DenseMap<Value, Value> owners;             // of memory: the value it holds last
  llvm::DenseMap<Operation *, Value> hiddenSums;   // by product: [blocks or strips, free of other]
  llvm::DenseMap<Operation *, Value> rowSums;      // by product over rows, if there are more than 256

  // Where the code is that is being written.
  Point headPoint;
  Value head, block, heldFirst; // the block of rows, the first row that is held
  Value row, rowBase;           // a row of the scores, and where it starts in a block
  Value blockColumns, rowColumns; // that are worked on
};

} // namespace

// The held values that a loop which computes `values` reads.
SmallVector<Value> AttentionSchedule::heldBehind(ArrayRef<Value> values) {
  SmallVector<Value> found, open(values.begin(), values.end());
  llvm::DenseSet<Value> seen;
  while (!open.empty()) {
    Value value = open.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op || !seen.insert(value).second || familyOf(op) == OpFamily::Reduction)
      continue;
    if (held.count(value))
      found.push_back(value);
    else
      open.append(op->operand_begin(), op->operand_end());
  }
  return found;
}

// Where the value of a loop goes: into the place of one that is not read afterwards, else into new memory.
AttentionSchedule::Memory AttentionSchedule::memoryFor(Value value, size_t loop, bool isBlock) {
  Type type = computeType(elementType(value));
  for (Value read : loops[loop].reads) {
    Memory memory = held.lookup(read);
    bool readLater = false;
    for (size_t later = loop + 1; later < loops.size(); ++later)
      readLater |= llvm::is_contained(loops[later].reads, read);
    bool fits = cast<kernel::BufferType>(memory.buffer.getType()).getElementType() == type && memory.isBlock >= isBlock;
    if (fits && !readLater && owners.lookup(memory.buffer) == read && !llvm::is_contained(taken, read))
      return memory;
  }
  return {k.scratch((isBlock ? heldRows : 1) * rowStride, type), isBlock};
}

void AttentionSchedule::hold(Value value, Memory memory) {
  held[value] = memory;
  owners[memory.buffer] = value;
  kernel.e.override(value, [this, memory](const Point &point) -> Value {
    Point place = cut(k, point, parts.space, boundary(parts.batches + 1) & allBoundaries(int(parts.space.size())));
    Value index = memory.isBlock ? k.add(rowBase, place.back().index) : place.back().index;
    OpBuilder::InsertionGuard guard(k.builder);
    k.hoist({index, row});
    return kernel::LoadOp::create(k.builder, k.location, memory.buffer, index);
  });
}

// Which loops a row takes, and where they put what they compute.
void AttentionSchedule::planRows() {
  for (const ResultProduct &product : parts.outOf)
    if (!llvm::is_contained(taken, product.scores))
      taken.push_back(product.scores);
  for (const ScoreProduct &product : parts.into) {
    Value scores = product.dot->getResult(0);
    hold(scores, {k.scratch(heldRows * rowStride, computeType(elementType(scores))), true});
  }
  SmallVector<Value> kept = sharedRowValues(lowering, group, parts.space, taken);
  SmallVector<Value> loopValues;
  for (Operation *op : group.ops)
    if (familyOf(op) == OpFamily::Reduction || llvm::is_contained(kept, op->getResult(0)))
      loopValues.push_back(op->getResult(0));
  for (Value value : kept)
    held[value] = {};
  for (Value value : loopValues)
    loops.push_back({value, heldBehind(SmallVector<Value>(value.getDefiningOp()->getOperands()))});
  loops.push_back({Value(), heldBehind(taken)});
  for (auto [i, value] : llvm::enumerate(loopValues))
    if (llvm::is_contained(kept, value))
      hold(value, memoryFor(value, i, llvm::is_contained(taken, value)));
  for (Value value : taken)
    if (!held.count(value)) {
      Memory memory = memoryFor(value, loops.size() - 1, true);
      held[value] = memory;
      owners[memory.buffer] = value;
    }
}

Value AttentionSchedule::base(const MatrixOperand &operand, Value free) {
  const Storage &storage = operand.storage;
  Value sum = k.add(k.offset(storage.offset), k.mul(free, storage.strides[operand.free]));
  Point heads = cut(k, headPoint, parts.space, allBoundaries(int(parts.space.size())));
  for (const Segment &segment : heads)
    sum = k.add(sum, k.mul(segment.index, storage.strides[operand.batch[segment.first]]));
  return sum;
}

// Rows [first, first + count) of the scores.
void AttentionSchedule::intoScores(const ScoreProduct &product, Value first, Value count) {
  const MatrixOperand &left = product.left, &right = product.right;
  Value scores = product.dot->getResult(0), buffer = held.lookup(scores).buffer;
  Type element = elementType(scores);
  SmallVector<Value> operands;
  auto append = [&](const MatrixOperand &operand, Value free, bool contractFirst) {
    const Storage &storage = operand.storage;
    operands.push_back(k.buffer(storage.planBuffer, storageType(storage.type)));
    kernel.e.reads.push_back({storage.planBuffer, Value()});
    operands.push_back(base(operand, free));
    int axes[2] = {operand.free, operand.contract};
    operands.push_back(k.size(storage.strides[axes[contractFirst]]));
    operands.push_back(k.size(storage.strides[axes[!contractFirst]]));
  };
  append(left, first, false);
  append(right, k.index(0), true);
  operands.append({k.size(left.storage.shape[left.contract]), k.index(0), count, k.index(0), blockColumns});
  Value start = k.mul(k.sub(first, heldFirst), k.index(rowStride));
  k.contract(operands, false, [&](Value m, Value n, Value sum) {
    Scalar value = kernel.e.rounded(kernel.e.scalar(sum, element), element);
    k.store(value.value, buffer, k.add(k.add(start, k.mul(m, k.index(rowStride))), n));
  });
}

void AttentionSchedule::workOnRow() {


  for (const RowLoop &loop : loops) {
    if (!loop.value)
      continue;
    Operation *op = loop.value.getDefiningOp();
    if (familyOf(op) != OpFamily::Reduction) {
      Memory memory = held.lookup(loop.value);
      Value start = memory.isBlock ? rowBase : k.index(0);
      // Computed from its operands, not read from where it will be.
      kernel.e.override(loop.value, [](const Point &) { return Value(); });
      k.loop(k.index(0), rowColumns, true,
             [&](Value j) { k.store(kernel.e.evaluate(loop.value, inRow(j)).value, memory.buffer, k.add(start, j)); });
      hold(loop.value, memory);
      continue;
    }
    Type type = reducedType(op);
    bool isArg = reductionKind(op, elementType(op->getOperand(0))).compare(0, 3, "arg") == 0;
    Value total = k.reduce(reductionKind(op, elementType(op->getOperand(0))), rowColumns,
                           isArg ? Type(k.builder.getI64Type()) : type, [&](Value j) {
                             Scalar value = kernel.e.evaluate(op->getOperand(0), inRow(j));
                             return value.type() == type ? value.value : convert(value, type).value;
                           });
    if (causal && kindOf(op) == OpKind::Sum) // hidden elements are +0
      total = arith::AddFOp::create(k.builder, k.location, total, kernel.e.constantZero(type));
    Value result = kernel.e.reduced(op, total).value;
    kernel.e.override(loop.value, [result](const Point &) { return result; });
  }
  SmallVector<Value> last;
  for (Value value : taken)
    if (!llvm::is_contained(loops.back().reads, value))
      last.push_back(value);
  k.loop(k.index(0), rowColumns, true, [&](Value j) {
    SmallVector<Value> values;
    for (Value value : last)
      values.push_back(kernel.e.evaluate(value, inRow(j)).value);
    for (auto [value, computed] : llvm::zip(last, values))
      k.store(computed, held.lookup(value).buffer, k.add(rowBase, j));
  });
  if (!causal)
    return;
  for (Value value : taken) {
    Value zero = kernel.e.constantZero(computeType(elementType(value)));
    k.loop(rowColumns, blockColumns, true, [&](Value j) { k.store(zero, held.lookup(value).buffer, k.add(rowBase, j)); });
  }
}

// What else leaves the group: values of the row.
void AttentionSchedule::storeRowResults() {
  Sizes outer(parts.space.begin(), parts.space.begin() + parts.batches + 1);
  for (auto [i, result] : llvm::enumerate(group.results)) {
    if (familyOf(result.getDefiningOp()) == OpFamily::Contraction)
      continue;
    Point at = reshaped(k, {{0, parts.batches + 1, row}}, outer, sizesOf(result));
    kernel.store(kernel.e.evaluate(result, at), lowering.result(group, i), at);
  }
}

// The product with `rows` and `columns` (first and number) of the scores.
void AttentionSchedule::multiply(const ResultProduct &product, std::pair<Value, Value> rows,
                                 std::pair<Value, Value> columns,
                                 llvm::function_ref<void(Value scoreFree, Value otherFree, Value sum)> body) {
  const Storage &other = product.other.storage;
  Value otherBuffer = k.buffer(other.planBuffer, storageType(other.type));
  kernel.e.reads.push_back({other.planBuffer, Value()});
  std::pair<Value, Value> contracted = product.overRows ? rows : columns, free = product.overRows ? columns : rows;
  Value otherBase = k.add(base(product.other, k.index(0)), k.mul(contracted.first, other.strides[product.other.contract]));
  Value otherFree = k.size(other.strides[product.other.free]), otherContract = k.size(other.strides[product.other.contract]);
  Value scores = held.lookup(product.scores).buffer;
  Value scoreBase = k.add(k.mul(k.sub(rows.first, heldFirst), k.index(rowStride)), columns.first);
  Value scoreFree = k.index(product.overRows ? 1 : rowStride), scoreContract = k.index(product.overRows ? rowStride : 1);
  Value zero = k.index(0), width = k.size(product.other.freeSize());
  bool left = product.scoresAreLeft;
  SmallVector<Value> operands;
  if (left)
    operands = {scores,    scoreBase, scoreFree,     scoreContract,     otherBuffer, otherBase, otherContract,
                otherFree, contracted.second, zero, free.second, zero, width};
  else
    operands = {otherBuffer, otherBase, otherFree, otherContract, scores, scoreBase, scoreContract,
                scoreFree, contracted.second, zero, width, zero, free.second};
  k.contract(operands, false, [&](Value m, Value n, Value sum) {
    body(k.add(free.first, left ? m : n), left ? n : m, sum);
  });
}

void AttentionSchedule::storeResult(const ResultProduct &product, Value scoreFree, Value otherFree, Value sum) {
  Value result = product.dot->getResult(0);
  Type type = elementType(result);
  Point at = headPoint;
  at.push_back({parts.batches, 1, product.scoresAreLeft ? scoreFree : otherFree});
  at.push_back({parts.batches + 1, 1, product.scoresAreLeft ? otherFree : scoreFree});
  size_t number = llvm::find(group.results, result) - group.results.begin();
  kernel.store(kernel.e.rounded(kernel.e.scalar(sum, type), type), lowering.result(group, number), at);
}

// A sum over columns, for a block of rows.
void AttentionSchedule::outOfScores(const ResultProduct &product, Value first, Value count) {
  multiply(product, {first, count}, {k.index(0), blockColumns}, [&](Value i, Value otherFree, Value sum) {
    storeResult(product, i, otherFree, withHidden(product, sum, block, otherFree));
  });
}

// A sum over the held rows, whose end is given; where later columns are hidden, by strips of columns, from the first row
// on that sees them. Sums of several times 256 rows are added up in scratch memory.
void AttentionSchedule::outOfRows(const ResultProduct &product, Value end) {
  Value sums = rowSums.lookup(product.dot);
  auto strip = [&](Value number, Value firstRow, Value firstColumn, Value columns) {
    multiply(product, {firstRow, k.sub(end, firstRow)}, {firstColumn, columns},
             [&](Value j, Value otherFree, Value sum) {
               if (!sums)
                 return storeResult(product, j, otherFree, withHidden(product, sum, number, otherFree));
               Value index = sumIndex(product, j, otherFree);
               Value before = kernel::LoadOp::create(k.builder, k.location, sums, index);
               k.store(arith::AddFOp::create(k.builder, k.location, before, sum), sums, index);
             });
  };
  if (!causal)
    return strip(Value(), heldFirst, k.index(0), k.size(parts.columns));
  k.loop(k.index(0), k.index(strips()), false, [&](Value number) {
    Value firstColumn = k.mul(number, k.index(blockRows)), firstRow = k.min(k.max(heldFirst, firstColumn), end);
    Value columns = k.sub(k.min(k.add(firstColumn, k.index(blockRows)), k.size(parts.columns)), firstColumn);
    strip(number, firstRow, firstColumn, columns);
  });
}

// The elements of sums in scratch memory, in the order of the result's.
Value AttentionSchedule::sumIndex(const ResultProduct &product, Value scoreFree, Value otherFree) {
  return product.scoresAreLeft ? k.add(k.mul(scoreFree, product.other.freeSize()), otherFree)
                               : k.add(k.mul(otherFree, parts.columns), scoreFree);
}

void AttentionSchedule::storeSums(const ResultProduct &product) {
  Value sums = rowSums.lookup(product.dot);
  bool left = product.scoresAreLeft;
  Size width = product.other.freeSize();
  k.loop(k.index(0), k.size(left ? parts.columns : width), false, [&](Value m) {
    k.loop(k.index(0), k.size(left ? width : parts.columns), true, [&](Value n) {
      Value scoreFree = left ? m : n, otherFree = left ? n : m;
      Value sum = kernel::LoadOp::create(k.builder, k.location, sums, sumIndex(product, scoreFree, otherFree));
      storeResult(product, scoreFree, otherFree, withHidden(product, sum, k.div(scoreFree, k.index(blockRows)), otherFree));
    });
  });
}

Scalar AttentionSchedule::element(const MatrixOperand &operand, Value free, Value contract) {
  SmallVector<Value> indices(operand.storage.shape.size());
  for (const Segment &segment : cut(k, headPoint, parts.space, allBoundaries(int(parts.space.size()))))
    indices[operand.batch[segment.first]] = segment.index;
  indices[operand.free] = free;
  indices[operand.contract] = contract;
  Point at;
  for (auto [axis, index] : llvm::enumerate(indices))
    at.push_back({int(axis), 1, index});
  return kernel.e.evaluate(operand.value, at);
}

// What is left out would add zeros times elements of the other operand: a zero, whose sign matters to a sum that is -0, or
// NaN. A table of what such products sum to: for a sum over columns, by block of rows, of the columns behind the block's;
// for a sum over rows, by strip of columns, of the rows before the strip's. The rows stand before all others in a chain,
// which begins with +0, so that theirs is -0 or NaN.
void AttentionSchedule::sumHidden(const ResultProduct &product) {
  const MatrixOperand &other = product.other;
  Size width = other.freeSize();
  int64_t entries = product.overRows ? strips() : blocks;
  Type type = product.dot->getResult(0).getType();
  type = kernel::ContractOp::sumType(storageType(elementType(product.dot->getResult(0))),
                                     storageType(elementType(product.dot->getResult(0))));
  Value table = k.scratch(entries * width.constant, type);
  hiddenSums[product.dot] = table;
  auto constant = [&](double v) { return Scalar{&k.builder, k.location, kernel.e.constantZero(type)}.constant(v); };
  int64_t start = product.overRows ? 0 : entries - 1;
  k.loop(k.index(0), k.size(width), true,
         [&](Value n) { k.store(constant(-0.0).value, table, k.add(k.index(start * width.constant), n)); });
  k.loop(k.index(1), k.index(entries), false, [&](Value step) {
    Value entry = product.overRows ? step : k.sub(k.index(entries - 1), step);
    Value before = product.overRows ? k.sub(step, k.index(1)) : k.add(entry, k.index(1));
    Size length = product.overRows ? parts.rows : parts.columns;
    auto end = [&](Value block) { return k.min(k.mul(block, k.index(blockRows)), k.size(length)); };
    Value from = end(before), to = product.overRows ? end(entry) : end(k.add(before, k.index(1)));
    // A block of the order of the sum that is left out as a whole is +0.
    Value nextDepth = k.mul(k.div(k.add(from, k.index(kDepth - 1)), k.index(kDepth)), k.index(kDepth));
    Value anyWhole = k.less(nextDepth, k.size(length));
    k.loop(k.index(0), k.size(width), true, [&](Value n) {
      Value most = k.reduce("max", k.sub(to, from), type, [&](Value j) {
        Scalar zero = element(other, n, k.add(from, j)) * 0.0;
        return (product.overRows ? -absolute(zero) : zero).value;
      });
      Scalar known = constant(0).with(
          kernel::LoadOp::create(k.builder, k.location, table, k.add(k.mul(before, width), n)));
      Scalar all = maximum(known.with(most), known);
      if (!product.overRows)
        all = maximum(all, select(all.with(anyWhole), constant(0.0), constant(-0.0)));
      k.store(all.value, table, k.add(k.mul(entry, width), n));
    });
  });
}

// The sum with what was left out in a block of rows, or a strip of columns.
Value AttentionSchedule::withHidden(const ResultProduct &product, Value sum, Value entry, Value otherFree) {
  if (!causal)
    return sum;
  Value index = k.add(k.mul(entry, product.other.freeSize()), otherFree);
  Value hidden = kernel::LoadOp::create(k.builder, k.location, hiddenSums.lookup(product.dot), index);
  return arith::AddFOp::create(k.builder, k.location, sum, hidden);
}

void AttentionSchedule::rowBlock(Value number) {
  block = number;
  Value first = k.mul(number, k.index(blockRows));
  blockColumns = k.size(parts.columns);
  if (causal)
    blockColumns = k.min(k.add(first, k.index(blockRows)), blockColumns);
  Value count = k.sub(k.min(k.add(first, k.index(blockRows)), k.size(parts.rows)), first);
  for (const ScoreProduct &product : parts.into)
    intoScores(product, first, count);
  k.loop(k.index(0), count, false, [&](Value i) {
    row = k.join(head, k.add(first, i), parts.rows);
    rowBase = k.mul(k.add(k.sub(first, heldFirst), i), k.index(rowStride));
    rowColumns = blockColumns;
    if (causal) // in whole vectors
      rowColumns = k.min(k.mul(k.add(k.div(k.add(first, i), k.index(kVector)), k.index(1)), k.index(kVector)), blockColumns);
    workOnRow();
    storeRowResults();
  });
  for (const ResultProduct &product : parts.outOf)
    if (!product.overRows)
      outOfScores(product, first, count);
}

void AttentionSchedule::run() {
  if (product(parts.space).is(0))
    return;
  plan();
  kernel.mayRunInPlace = false;
  kernel.suffix = "_attention";
  k.loop(k.begin, k.end, false, [&](Value task) {
    auto [whole, part] = k.split(task, Size(tasksOfHead));
    head = whole;
    headPoint = parts.batches ? Point{{0, parts.batches, head}} : Point{};
    if (causal)
      for (const ResultProduct &product : parts.outOf)
        sumHidden(product);
    Value begin = k.mul(part, k.index(blocksOfTask)), end = k.min(k.add(begin, k.index(blocksOfTask)), k.index(blocks));
    if (!overRows)
      return k.loop(begin, end, false, [&](Value number) {
        heldFirst = k.mul(number, k.index(blockRows));
        rowBlock(number);
      });
    clearSums();
    k.loop(k.index(0), k.index((parts.rows.constant + heldRows - 1) / heldRows), false, [&](Value number) {
      heldFirst = k.mul(number, k.index(heldRows));
      int64_t blocksHeld = (heldRows + blockRows - 1) / blockRows;
      Value firstBlock = k.mul(number, k.index(blocksHeld));
      k.loop(firstBlock, k.min(k.add(firstBlock, k.index(blocksHeld)), k.index(blocks)), false,
             [&](Value number) { rowBlock(number); });
      for (const ResultProduct &product : parts.outOf)
        if (product.overRows)
          outOfRows(product, k.min(k.add(heldFirst, k.index(heldRows)), k.size(parts.rows)));
    });
    for (const ResultProduct &product : parts.outOf)
      if (rowSums.count(product.dot))
        storeSums(product);
  });
  int64_t work = parts.rows.constant * parts.columns.constant / tasksOfHead;
  lowering.finish(kernel, group, Size(parts.heads.constant * tasksOfHead), lowering.model.grain(work, 8));
}

// Sizes of blocks and tasks, and memory.
void AttentionSchedule::plan() {
  int64_t rows = parts.rows.constant, columns = parts.columns.constant;
  overRows = llvm::any_of(parts.outOf, [](const ResultProduct &product) { return product.overRows; });
  blockRows = kMostRows;
  while (blockRows > kLeastRows && blockRows * columns > kBlockElements)
    blockRows /= 2;
  blocks = (rows + blockRows - 1) / blockRows;
  heldRows = overRows ? kDepth : blockRows;
  rowStride = (columns + kRowPadding - 1) / kRowPadding * kRowPadding + kRowPadding;
  int64_t wanted = overRows ? 1 : std::min(blocks, (kFewTasks + parts.heads.constant - 1) / parts.heads.constant);
  blocksOfTask = (blocks + wanted - 1) / wanted;
  tasksOfHead = (blocks + blocksOfTask - 1) / blocksOfTask;
  planRows();
  for (const ResultProduct &product : parts.outOf) {
    Type type = elementType(product.dot->getResult(0));
    if (product.overRows && rows > kDepth)
      rowSums[product.dot] = k.scratch(product.other.freeSize().constant * columns, kernel::ContractOp::sumType(storageType(type), storageType(type)));
  }
}

// -0, to which the first sum is added without a change.
void AttentionSchedule::clearSums() {
  for (auto &[dot, sums] : rowSums) {
    auto type = cast<kernel::BufferType>(sums.getType()).getElementType();
    Value zero = Scalar{&k.builder, k.location, kernel.e.constantZero(type)}.constant(-0.0).value;
    int64_t count = cast<kernel::ScratchOp>(sums.getDefiningOp()).getElements();
    k.loop(k.index(0), k.index(count), true, [&, sums = sums](Value i) { k.store(zero, sums, i); });
  }
}

void scheduleAttention(Lowering &lowering, const Group &group) { AttentionSchedule(lowering, group).run(); }

} // namespace weft
