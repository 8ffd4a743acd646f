// Attention: a task is a head, or some of its rows. Blocks of rows of scores are made in scratch memory, worked on row
// by row where they are, and multiplied on. A product over the rows takes 256 of them at a time: its sum has blocks of
// so many, and groups of 2048 (ir/kernel/KernelOps.td). What many blocks multiply by is packed once.
#include "codegen/attention/AttentionKernel.h"

#include "ir/kernel/CanonicalOrder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {

using order::kProductBlock, order::kProductGroup;
static constexpr int64_t kPanelColumns = kernel::PackOp::kColumns, kPanelRows = kernel::PackOp::kRows;

namespace {

class AttentionSchedule {
public:
  AttentionSchedule(Lowering &lowering, const Group &group) : a(lowering, group), k(a.k), rows(a), hidden(a) {}
  void run();

private:
  // First and number.
  struct Range {
    Value first, count;
  };
  // An operand of a product that has been packed: k.pack's panels, and the rows of one.
  struct Panels {
    Value buffer, rows;
  };

  void planTasks();
  void inTurn(Value begin, Value end, KernelBuilder::Body body);
  void reserveSums();
  Value reserveSum(const ResultProduct &product);
  void clear(Value sum, const Size &count);
  Size sumCount(const ResultProduct &product) const;
  void head();
  void held(Value number);
  void addGroups();
  void rowBlock(Value number);
  void pack(Operation *dot, const MatrixOperand &operand, Range contracted, const Size &most);
  void intoScores(const ScoreProduct &product, Range range);
  void multiply(const ResultProduct &product, Range scoreRows, Range scoreColumns,
                llvm::function_ref<void(Value scoreFree, Value otherFree, Value sum)> body);
  void overColumns(const ResultProduct &product, Range range);
  void overRows(const ResultProduct &product, Range range);
  Value sumIndex(const ResultProduct &product, Value scoreFree, Value otherFree);
  void storeSums(const ResultProduct &product);
  void store(const ResultProduct &product, Value scoreFree, Value otherFree, Value sum);

  AttentionKernel a;
  KernelBuilder &k;
  AttentionRows rows;
  HiddenSums hidden;
  Size tasksOfHead;
  int64_t blocksOfTask = 0; // where a head has several tasks
  llvm::DenseMap<Operation *, Panels> panels;
  // Of products over rows: of the blocks where there are more than 256 rows, and of the groups, or the same.
  llvm::DenseMap<Operation *, Value> sums, totals;
};

} // namespace

// Of scores, whose product is of bf16 alone.
static bool isInPairs(Operation *dot) {
  return !isUnbroken(dot) &&
         llvm::all_of(dot->getOperands(), [](Value operand) { return elementType(operand).isBF16(); });
}

static Size roundedUp(const Size &size, int64_t multiple) { return *ceilDivide(size, multiple) * Size(multiple); }

// Packs what a product multiplies by, if that is its B: at most so many of what is contracted.
void AttentionSchedule::pack(Operation *dot, const MatrixOperand &operand, Range contracted, const Size &most) {
  const Storage &storage = operand.storage;
  Value depth = contracted.count,
        rounded = k.mul(k.div(k.add(depth, k.index(kPanelRows - 1)), k.index(kPanelRows)), k.index(kPanelRows));
  Type element = storageType(storage.type), type = kernel::ContractOp::sumType(element, element);
  if (isInPairs(dot) && a.lowering.target.dotsPairs)
    type = element;
  Value &buffer = panels[dot].buffer;
  if (!buffer)
    buffer = k.scratch(roundedUp(most, kPanelRows) * roundedUp(operand.freeSize(), kPanelColumns), type);
  panels[dot].rows = rounded;
  kernel::PackOp::create(k.builder, k.location, a.buffer(operand), a.base(operand, k.index(0), contracted.first),
                         k.size(storage.strides[operand.contract]), k.size(storage.strides[operand.free]), depth,
                         k.size(operand.freeSize()), buffer, k.index(0), Value());
}

void AttentionSchedule::intoScores(const ScoreProduct &product, Range range) {
  const MatrixOperand &left = product.left;
  Value scores = product.dot->getResult(0), zero = k.index(0);
  Type element = elementType(scores);
  Panels right = panels.lookup(product.dot);
  SmallVector<Value> operands{a.buffer(left),
                              a.base(left, range.first, zero),
                              k.size(left.storage.strides[left.free]),
                              k.size(left.storage.strides[left.contract]),
                              right.buffer,
                              zero,
                              k.index(kPanelColumns),
                              right.rows,
                              k.size(left.storage.shape[left.contract]),
                              zero,
                              range.count,
                              zero,
                              a.blockColumns};
  Value start = rows.start(range.first);
  k.contract(operands, true, isUnbroken(product.dot), [&](Value m, Value n, Value sum) {
     Scalar value = a.kernel.e.rounded(a.kernel.e.scalar(sum, element), element);
     k.store(value.value, rows.bufferOf(scores), k.add(k.add(start, k.mul(m, a.rowStride())), n));
   }).setPairs(isInPairs(product.dot));
}

// The product with a part of the scores, whose rows are held.
void AttentionSchedule::multiply(const ResultProduct &product, Range scoreRows, Range scoreColumns,
                                 llvm::function_ref<void(Value scoreFree, Value otherFree, Value sum)> body) {
  const MatrixOperand &other = product.other;
  Range contracted = product.overRows ? scoreRows : scoreColumns, free = product.overRows ? scoreColumns : scoreRows;
  Value scores = rows.bufferOf(product.scores), base = k.add(rows.start(scoreRows.first), scoreColumns.first);
  Value freeStride = product.overRows ? k.index(1) : a.rowStride();
  Value contractStride = product.overRows ? a.rowStride() : k.index(1);
  Value zero = k.index(0), width = k.size(other.freeSize());
  bool left = product.scoresAreLeft;
  SmallVector<Value> operands;
  if (left) {
    Panels right = panels.lookup(product.dot);
    Value skipped = product.overRows ? k.sub(scoreRows.first, a.heldFirst) : scoreColumns.first;
    operands = {scores,
                base,
                freeStride,
                contractStride,
                right.buffer,
                k.mul(skipped, k.index(kPanelColumns)),
                k.index(kPanelColumns),
                right.rows,
                contracted.count,
                zero,
                free.count,
                zero,
                width};
  } else {
    operands = {a.buffer(other),
                a.base(other, zero, contracted.first),
                k.size(other.storage.strides[other.free]),
                k.size(other.storage.strides[other.contract]),
                scores,
                base,
                contractStride,
                freeStride,
                contracted.count,
                zero,
                width,
                zero,
                free.count};
  }
  k.contract(operands, left, isUnbroken(product.dot),
             [&](Value m, Value n, Value sum) { body(k.add(free.first, left ? m : n), left ? n : m, sum); });
}

void AttentionSchedule::store(const ResultProduct &product, Value scoreFree, Value otherFree, Value sum) {
  Value result = product.dot->getResult(0);
  Type type = elementType(result);
  bool left = product.scoresAreLeft;
  Point at = a.headPoint;
  at.push_back({a.parts.batches, 1, left ? scoreFree : otherFree});
  at.push_back({a.parts.batches + 1, 1, left ? otherFree : scoreFree});
  size_t number = llvm::find(a.group.results, result) - a.group.results.begin();
  a.kernel.store(a.kernel.e.rounded(a.kernel.e.scalar(sum, type), type), a.lowering.result(a.group, number), at);
}

void AttentionSchedule::overColumns(const ResultProduct &product, Range range) {
  multiply(product, range, {k.index(0), a.blockColumns}, [&](Value i, Value otherFree, Value sum) {
    store(product, i, otherFree, hidden.added(product, sum, a.block, otherFree));
  });
}

// The product over the held rows; where later columns are hidden, by strips of columns, from the first row on that sees
// them.
void AttentionSchedule::overRows(const ResultProduct &product, Range range) {
  Value total = sums.lookup(product.dot);
  auto strip = [&](Value number, Range scoreRows, Range scoreColumns) {
    multiply(product, scoreRows, scoreColumns, [&](Value j, Value otherFree, Value sum) {
      if (!total)
        return store(product, j, otherFree, hidden.added(product, sum, number, otherFree));
      Value index = sumIndex(product, j, otherFree);
      Value before = kernel::LoadOp::create(k.builder, k.location, total, index);
      k.store(arith::AddFOp::create(k.builder, k.location, before, sum), total, index);
    });
  };
  if (!a.causal)
    return strip(Value(), range, {k.index(0), k.size(a.parts.columns)});
  k.loop(k.index(0), k.size(a.strips()), false, [&](Value number) {
    Value firstColumn = k.mul(number, k.index(a.blockRows)), end = k.add(range.first, range.count);
    Value firstRow = k.min(k.max(range.first, firstColumn), end);
    strip(number, {firstRow, k.sub(end, firstRow)}, {firstColumn, a.atMost(a.blockRows, firstColumn, a.parts.columns)});
  });
}

// Sums in scratch memory have the order of the result.
Value AttentionSchedule::sumIndex(const ResultProduct &product, Value scoreFree, Value otherFree) {
  return product.scoresAreLeft ? k.add(k.mul(scoreFree, product.other.freeSize()), otherFree)
                               : k.add(k.mul(otherFree, a.parts.columns), scoreFree);
}

Size AttentionSchedule::sumCount(const ResultProduct &product) const {
  return product.other.freeSize() * a.parts.columns;
}

// From -0, to which the first sum is added without a change.
void AttentionSchedule::clear(Value sum, const Size &count) {
  Type type = cast<kernel::BufferType>(sum.getType()).getElementType();
  Value none = Scalar{&k.builder, k.location, a.kernel.e.constantZero(type)}.constant(-0.0).value;
  k.loop(k.index(0), k.size(count), true, [&](Value i) { k.store(none, sum, i); });
}

Value AttentionSchedule::reserveSum(const ResultProduct &product) {
  Type element = storageType(elementType(product.dot->getResult(0)));
  Value sum = k.scratch(sumCount(product), kernel::ContractOp::sumType(element, element));
  clear(sum, sumCount(product));
  return sum;
}

void AttentionSchedule::reserveSums() {
  const Size &rows = a.parts.rows;
  for (const ResultProduct &product : a.parts.outOf) {
    if (!product.overRows || (rows.isStatic() && rows.constant <= kProductBlock))
      continue;
    sums[product.dot] = totals[product.dot] = reserveSum(product);
    if (!rows.isStatic() || rows.constant > kProductGroup)
      totals[product.dot] = reserveSum(product);
  }
}

// After the last block of a group.
void AttentionSchedule::addGroups() {
  for (const ResultProduct &product : a.parts.outOf) {
    Value sum = sums.lookup(product.dot), total = totals.lookup(product.dot);
    if (sum == total)
      continue;
    Size count = sumCount(product);
    k.loop(k.index(0), k.size(count), true, [&](Value i) {
      Value before = kernel::LoadOp::create(k.builder, k.location, total, i);
      Value group = kernel::LoadOp::create(k.builder, k.location, sum, i);
      k.store(arith::AddFOp::create(k.builder, k.location, before, group), total, i);
    });
    clear(sum, count);
  }
}

void AttentionSchedule::storeSums(const ResultProduct &product) {
  Value total = totals.lookup(product.dot);
  if (!total)
    return;
  bool left = product.scoresAreLeft;
  Value columns = k.size(a.parts.columns), width = k.size(product.other.freeSize());
  k.loop(k.index(0), left ? columns : width, false, [&](Value m) {
    k.loop(k.index(0), left ? width : columns, true, [&](Value n) {
      Value scoreFree = left ? m : n, otherFree = left ? n : m;
      Value sum = kernel::LoadOp::create(k.builder, k.location, total, sumIndex(product, scoreFree, otherFree));
      Value strip = k.div(scoreFree, k.index(a.blockRows));
      store(product, scoreFree, otherFree, hidden.added(product, sum, strip, otherFree));
    });
  });
}

// A loop, unless it is known to run once: what is constant in it is seen then.
void AttentionSchedule::inTurn(Value begin, Value end, KernelBuilder::Body body) {
  auto first = KernelBuilder::constantOf(begin), last = KernelBuilder::constantOf(end);
  if (first && last && *first + 1 == *last)
    body(begin);
  else
    k.loop(begin, end, false, body);
}

void AttentionSchedule::rowBlock(Value number) {
  Value first = k.mul(number, k.index(a.blockRows));
  a.block = number;
  a.blockColumns = k.size(a.parts.columns);
  if (a.causal)
    a.blockColumns = k.min(k.add(first, k.index(a.blockRows)), a.blockColumns);
  Range range{first, a.atMost(a.blockRows, first, a.parts.rows)};
  for (const ScoreProduct &product : a.parts.into)
    intoScores(product, range);
  k.loop(k.index(0), range.count, false, [&](Value i) { rows.work(k.add(first, i)); });
  for (const ResultProduct &product : a.parts.outOf)
    if (!product.overRows)
      overColumns(product, range);
}

// The 256 rows of this number.
void AttentionSchedule::held(Value number) {
  a.heldFirst = k.mul(number, k.index(a.heldRows));
  Range range{a.heldFirst, a.atMost(a.heldRows, a.heldFirst, a.parts.rows)};
  for (const ResultProduct &product : a.parts.outOf)
    if (product.overRows && product.scoresAreLeft)
      pack(product.dot, product.other, range,
           Size(a.parts.rows.isStatic() ? std::min(a.parts.rows.constant, kProductBlock) : kProductBlock));
  int64_t blocksHeld = a.heldRows / a.blockRows;
  Value first = k.mul(number, k.index(blocksHeld));
  inTurn(first, k.min(k.add(first, k.index(blocksHeld)), k.size(a.blocks)), [&](Value block) { rowBlock(block); });
  for (const ResultProduct &product : a.parts.outOf)
    if (product.overRows)
      overRows(product, range);
}

void AttentionSchedule::head() {
  reserveSums();
  constexpr int64_t inGroup = kProductGroup / kProductBlock;
  Value count = k.size(*ceilDivide(a.parts.rows, a.heldRows));
  inTurn(k.index(0), k.size(*ceilDivide(a.parts.rows, a.heldRows * inGroup)), [&](Value group) {
    Value first = k.mul(group, k.index(inGroup));
    inTurn(first, k.min(k.add(first, k.index(inGroup)), count), [&](Value number) { held(number); });
    addGroups();
  });
  for (const ResultProduct &product : a.parts.outOf)
    storeSums(product);
}

void AttentionSchedule::planTasks() {
  int64_t heads = a.lowering.estimate(a.parts.heads), blocks = a.lowering.estimate(a.blocks);
  int64_t wanted = a.overRows ? 1 : std::min<int64_t>(blocks, llvm::divideCeil(a.lowering.model.fewHeads, heads));
  if (wanted == 1) {
    if (a.causal && !a.parts.isStatic()) // one, or none where there are no rows: then hidden sums have no room
      tasksOfHead = *ceilDivide(a.parts.rows, INT32_MAX);
    return;
  }
  blocksOfTask = llvm::divideCeil(blocks, wanted);
  tasksOfHead = *ceilDivide(a.parts.rows, a.blockRows * blocksOfTask);
}

void AttentionSchedule::run() {
  planTasks();
  a.kernel.mayRunInPlace = false;
  a.kernel.suffix = "_attention";
  k.loop(k.begin, k.end, false, [&](Value task) {
    auto [number, part] = k.split(task, tasksOfHead);
    a.head = number;
    a.headPoint = a.parts.batches ? Point{{0, a.parts.batches, a.head}} : Point{};
    for (const ScoreProduct &product : a.parts.into)
      pack(product.dot, product.right, {k.index(0), k.size(product.right.contractSize())},
           product.right.contractSize());
    for (const ResultProduct &product : a.parts.outOf) {
      if (!product.overRows && product.scoresAreLeft)
        pack(product.dot, product.other, {k.index(0), k.size(a.parts.columns)}, a.parts.columns);
      if (a.causal)
        hidden.write(product);
    }
    if (a.overRows)
      return head();
    Value begin = k.index(0), end = k.size(a.blocks);
    if (blocksOfTask) {
      begin = k.mul(part, k.index(blocksOfTask));
      end = k.min(k.add(begin, k.index(blocksOfTask)), end);
    }
    inTurn(begin, end, [&](Value block) {
      a.heldFirst = k.mul(block, k.index(a.blockRows));
      rowBlock(block);
    });
  });
  int64_t work = a.lowering.estimate(a.parts.rows * a.parts.columns) / a.lowering.estimate(tasksOfHead);
  a.lowering.finish(a.kernel, a.group, a.parts.heads * tasksOfHead, a.lowering.model.grain(work, 8));
}

void scheduleAttention(Lowering &lowering, const Group &group) {
  bool isEmpty = llvm::any_of(group.results, [](Value result) { return product(sizesOf(result)).is(0); });
  if (!isEmpty)
    AttentionSchedule(lowering, group).run();
}

} // namespace weft
