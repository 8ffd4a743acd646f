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
  void rowBlock(Value first);
  void workOnRow();
  void storeRowResults();
  Value base(const MatrixOperand &operand, Value free);
  void intoScores(const ScoreProduct &product, Value first, Value count);
  void outOfScores(const ResultProduct &product, Value first, Value count);
  void sumHidden(const ResultProduct &product);
  Value withHidden(const ResultProduct &product, Value sum, Value otherFree);

  Lowering &lowering;
  const Group &group;
  Kernel kernel;
  KernelBuilder &k;
  AttentionParts parts;
  const bool causal; // columns after a row's number are left out
  int64_t blockRows = 0, blocks = 0, heldRows = 0, rowStride = 0;
  SmallVector<Value> taken; // the values that products take, each once
  std::vector<RowLoop> loops;
  llvm::DenseMap<Value, Memory> held;
  llvm::DenseMap<Value, Value> owners;             // of memory: the value it holds last
  llvm::DenseMap<Operation *, Value> hiddenSums;   // by product: [blocks + 1, free of other]

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

// The product's rows or columns [first, first + count), which are rows of the scores.
void AttentionSchedule::outOfScores(const ResultProduct &product, Value first, Value count) {
  const Storage &other = product.other.storage;
  Value scores = held.lookup(product.scores).buffer, result = product.dot->getResult(0);
  size_t number = llvm::find(group.results, result) - group.results.begin();
  Value otherBuffer = k.buffer(other.planBuffer, storageType(other.type));
  kernel.e.reads.push_back({other.planBuffer, Value()});
  Value scoreBase = k.mul(k.sub(first, heldFirst), k.index(rowStride));
  Value otherStrides[2] = {k.size(other.strides[product.other.free]), k.size(other.strides[product.other.contract])};
  SmallVector<Value> operands;
  bool left = product.scoresAreLeft;
  if (left)
    operands = {scores, scoreBase, k.index(rowStride), k.index(1)};
  operands.append({otherBuffer, base(product.other, k.index(0)), otherStrides[left], otherStrides[!left]});
  if (!left)
    operands.append({scores, scoreBase, k.index(1), k.index(rowStride)});
  operands.push_back(blockColumns);
  Value zero = k.index(0), width = k.size(product.other.freeSize());
  if (left)
    operands.append({zero, count, zero, width});
  else
    operands.append({zero, width, zero, count});
  Type element = elementType(result);
  k.contract(operands, false, [&](Value m, Value n, Value sum) {
    Value otherFree = left ? n : m;
    Value free[2] = {m, n};
    free[!left] = k.add(first, free[!left]);
    Point at = headPoint;
    at.push_back({parts.batches, 1, free[0]});
    at.push_back({parts.batches + 1, 1, free[1]});
    Scalar whole = kernel.e.scalar(withHidden(product, sum, otherFree), element);
    kernel.store(kernel.e.rounded(whole, element), lowering.result(group, number), at);
  });
}

// The columns that a block leaves out would add zeros times elements of the other operand to its products: a zero, whose
// sign matters to a sum that is -0, or NaN. For each block, what they sum to; after the last block nothing, -0.
void AttentionSchedule::sumHidden(const ResultProduct &product) {
  const MatrixOperand &other = product.other;
  Size width = other.freeSize();
  Type type = kernel::ContractOp::sumType(storageType(other.storage.type), storageType(other.storage.type));
  Value table = k.scratch((blocks + 1) * width.constant, type);
  hiddenSums[product.dot] = table;
  auto constant = [&](double v) { return Scalar{&k.builder, k.location, kernel.e.constantZero(type)}.constant(v); };
  k.loop(k.index(0), k.size(width), true,
         [&](Value n) { k.store(constant(-0.0).value, table, k.add(k.index(blocks * width.constant), n)); });
  k.loop(k.index(0), k.index(blocks), false, [&](Value fromLast) {
    Value number = k.sub(k.index(blocks - 1), fromLast), next = k.add(number, k.index(1));
    auto end = [&](Value block) { return k.min(k.mul(k.add(block, k.index(1)), k.index(blockRows)), k.size(parts.columns)); };
    Value hidden = end(number), count = k.sub(end(next), hidden);
    // A whole block of the order of the sum begins with +0.
    Value wholeBlock = k.mul(k.div(k.add(hidden, k.index(kDepth - 1)), k.index(kDepth)), k.index(kDepth));
    Value anyWhole = k.less(wholeBlock, k.size(parts.columns));
    k.loop(k.index(0), k.size(width), true, [&](Value n) {
      Value sum = k.reduce("max", count, type, [&](Value j) {
        Point at = headPoint, ordered;
        SmallVector<Value> indices(other.storage.shape.size());
        for (const Segment &segment : cut(k, headPoint, parts.space, allBoundaries(int(parts.space.size()))))
          indices[other.batch[segment.first]] = segment.index;
        indices[other.free] = n;
        indices[other.contract] = k.add(hidden, j);
        for (auto [axis, index] : llvm::enumerate(indices))
          ordered.push_back({int(axis), 1, index});
        return (kernel.e.evaluate(other.value, ordered) * 0.0).value;
      });
      Scalar later = constant(0).with(kernel::LoadOp::create(k.builder, k.location, table, k.add(k.mul(next, width), n)));
      Scalar all = maximum(later.with(sum), later);
      Scalar first = select(all.with(anyWhole), constant(0.0), constant(-0.0));
      k.store(maximum(all, first).value, table, k.add(k.mul(number, width), n));
    });
  });
}

Value AttentionSchedule::withHidden(const ResultProduct &product, Value sum, Value otherFree) {
  if (!causal)
    return sum;
  Value index = k.add(k.mul(block, product.other.freeSize()), otherFree);
  Value hidden = kernel::LoadOp::create(k.builder, k.location, hiddenSums.lookup(product.dot), index);
  return arith::AddFOp::create(k.builder, k.location, sum, hidden);
}

void AttentionSchedule::rowBlock(Value first) {
  heldFirst = first;
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
    outOfScores(product, first, count);
}

void AttentionSchedule::run() {
  if (product(parts.space).is(0))
    return;
  int64_t rows = parts.rows.constant, columns = parts.columns.constant, heads = parts.heads.constant;
  blockRows = kMostRows;
  while (blockRows > kLeastRows && blockRows * columns > kBlockElements)
    blockRows /= 2;
  blockRows = std::min(blockRows, rows);
  heldRows = blockRows;
  rowStride = (columns + kRowPadding - 1) / kRowPadding * kRowPadding + kRowPadding;
  blocks = (rows + blockRows - 1) / blockRows;
  int64_t wanted = std::min(blocks, (kFewTasks + heads - 1) / heads);
  int64_t blocksOfTask = (blocks + wanted - 1) / wanted;
  int64_t tasksOfHead = (blocks + blocksOfTask - 1) / blocksOfTask;

  planRows();
  kernel.mayRunInPlace = false;
  k.loop(k.begin, k.end, false, [&](Value task) {
    auto [whole, part] = k.split(task, Size(tasksOfHead));
    head = whole;
    headPoint = parts.batches ? Point{{0, parts.batches, head}} : Point{};
    Value begin = k.mul(part, k.index(blocksOfTask));
    Value end = k.min(k.add(begin, k.index(blocksOfTask)), k.index(blocks));
    if (causal)
      for (const ResultProduct &product : parts.outOf)
        sumHidden(product);
    k.loop(begin, end, false, [&](Value number) {
      block = number;
      rowBlock(k.mul(number, k.index(blockRows)));
    });
  });
  lowering.finish(kernel, group, Size(heads * tasksOfHead), 1);
}

void scheduleAttention(Lowering &lowering, const Group &group) { AttentionSchedule(lowering, group).run(); }

} // namespace weft
