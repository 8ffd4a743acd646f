// Matrix products. dot_general becomes outer indices times a product C[m, n] = sum over k of A[m, k] * B[k, n] with
// strides (ContractionOperand.h); a task is a block of one C, the epilogue runs on its results. Of three forms the
// sizes choose one:
// - K is 1: a loop, as there is nothing to sum;
// - C has few rows or columns: kernel.contract with these as A, and B read where it is, once, or from where it is kept
//   packed;
// - else kernel.contract of blocks. It reads B where it is if no copy would repay (codegen/cpu/Contract.cpp), and A if
//   that lies in rows. If A does not, the smaller operand is packed by a step of its own: A, then to be read as one in
//   rows, or B, and tasks copy their rows of A. B is also packed where the copy is kept.
#include "codegen/schedule/ContractionOperand.h"
#include "codegen/schedule/Schedule.h"
#include "ir/kernel/CanonicalOrder.h"

#include <cmath>

using namespace mlir;

namespace weft {

static constexpr int64_t kPanelColumns = kernel::PackOp::kColumns, kPanelRows = kernel::PackOp::kRows;

namespace {

class ContractionSchedule {
public:
  ContractionSchedule(Lowering &lowering, const Group &group, Operation *dot);
  void product();

private:
  enum class Form { Outer, FewRows, Blocks };
  void chooseBlocks();
  void chooseTile(int64_t m, int64_t n);
  int64_t grain() const;
  int64_t estimate(const Size &size) const { return lowering.estimate(size); }
  bool isOneProduct() const { return outerSize().is(1); }
  Size outerSize() const; // of batch and outer indices
  bool mayPack(const ContractionOperand &operand) const;
  ContractionOperand packed(const ContractionOperand &operand);
  using Epilogue = llvm::function_ref<void(Value m, Value n, Value sum)>;
  void outerProduct(KernelBuilder &k, ArrayRef<Value> operands, Epilogue epilogue);

  Lowering &lowering;
  const Group &group;
  Operation *dot;
  ContractionOperand a, b;
  bool inPairs; // the order of the sums
  bool inTiles; // by which they are multiplied
  Form form;
  int64_t rowBlock = 1, columnBlock = kPanelColumns;
  int threadTile = 0; // of a GPU: results of a thread along rows and columns
  bool packsA = false, packsB = false;
};

} // namespace

static constexpr int64_t kFewestTypical = 128; // rows or columns, by which blocks are cut

// Symbols are large (ir/Dims.h).
static int64_t known(const Size &size) { return size.isStatic() ? size.constant : INT64_MAX; }
static bool isFew(const Size &rows) { return known(rows) <= order::kFewRows; }

ContractionSchedule::ContractionSchedule(Lowering &lowering, const Group &group, Operation *dot)
    : lowering(lowering), group(group), dot(dot) {
  Size rows = ContractionOperand(dot, 0).freeSize(), columns = ContractionOperand(dot, 1).freeSize();
  bool swaps = isFew(columns) && known(columns) < known(rows);
  a = ContractionOperand::find(lowering, group, dot, swaps ? 1 : 0);
  b = ContractionOperand::find(lowering, group, dot, swaps ? 0 : 1);
  inPairs = a.isInPairs(b) && !isUnbroken(dot);
  inTiles = inPairs && lowering.target.multipliesTiles;
  // Tiles read rows of A as they are: of a B along K those would be copied.
  if (inTiles && isFew(a.count()) && b.depthStride().is(1))
    std::swap(a, b);
  form = a.depth().is(1) && !inPairs ? Form::Outer : isFew(a.count()) ? Form::FewRows : Form::Blocks;
  chooseBlocks();
}

Size ContractionSchedule::outerSize() const {
  Sizes shape = sizesOf(dot->getResult(0));
  return weft::product(shape, 0, a.batch.size()) * weft::product(shape, a.result, a.result + a.outer) *
         weft::product(shape, b.result, b.result + b.outer);
}

// As few blocks as the model allows, of nearly one size; the longer side is cut further where there would be too few.
void ContractionSchedule::chooseBlocks() {
  const CostModel &model = lowering.model;
  auto countOf = [&](const ContractionOperand &operand) { // symbols may turn out larger than is typical
    return std::max<int64_t>(operand.count().isStatic() ? 1 : kFewestTypical, estimate(operand.count()));
  };
  int64_t m = countOf(a), n = countOf(b);
  if (form == Form::Outer) {
    columnBlock = model.laneBlock;
    rowBlock = std::max<int64_t>(1, model.laneBlock / n);
  }
  if (form == Form::Outer)
    return;
  if (lowering.target.gpu)
    return chooseTile(m, n);
  bool keepsB = mayPack(b) && lowering.weights.count(b.storage.planBuffer);
  if (form == Form::FewRows) {
    rowBlock = m;
    columnBlock = isOneProduct() ? model.vectorColumns : llvm::alignTo(std::min(n, model.stripColumns), kPanelColumns);
    packsB = keepsB && !b.stride().is(1) && !inPairs; // panels of f32 would double the bytes of bf16
    return;
  }
  auto packs = [&](const ContractionOperand &operand) {
    return mayPack(operand) && estimate(operand.count() * operand.depth()) >= model.packElements;
  };
  packsA = packs(a) && !inTiles && !a.isInRows(b, inPairs, lowering.target) && n > model.productColumns && m <= n;
  // Where one step of K is all, C is not read again, and the epilogue is better off with long rows.
  bool isShort = estimate(a.depth()) <= order::kProductBlock && m >= 4 * model.wideRows;
  bool isWide = !inTiles && (isShort || (!packsA && !a.isInRows(b, inPairs, lowering.target)));
  int64_t mostRows = inTiles ? model.tiledRows : isWide ? model.wideRows : model.productRows;
  int64_t mostColumns = inTiles ? model.tiledColumns : isWide ? model.wideColumns : model.productColumns;
  int64_t bytes = std::max<int64_t>(4, elementType(dot->getResult(0)).getIntOrFloatBitWidth() / 8);
  int64_t rowBlocks = llvm::divideCeil(m, mostRows), columnBlocks = llvm::divideCeil(n, mostColumns * 4 / bytes);
  int64_t rowsTogether = inTiles ? model.tiledSide : model.tileRows;
  auto choose = [&] {
    rowBlock = rowBlocks > 1 ? llvm::alignTo(llvm::divideCeil(m, rowBlocks), rowsTogether) : m;
    columnBlock = llvm::alignTo(llvm::divideCeil(n, columnBlocks), kPanelColumns);
  };
  choose();
  int64_t outer = estimate(outerSize());
  while (outer * rowBlocks * columnBlocks < model.fewProducts && grain() == 1 &&
         std::max(columnBlock - kPanelColumns, rowBlock - rowsTogether) > 0) {
    (columnBlock > std::max(2 * rowBlock, kPanelColumns) ? columnBlocks : rowBlocks) += 1;
    choose();
  }
  packsB = keepsB || (packs(b) && (isWide || inTiles) && m > rowBlock);
}

// On a GPU a task is a tile of a block of threads: a larger one multiplies more for what it loads, smaller ones are
// more.
void ContractionSchedule::chooseTile(int64_t m, int64_t n) {
  const CostModel &model = lowering.model;
  bool isFloat = kernel::ContractOp::sumType(storageType(a.storage.type), storageType(b.storage.type)).isF32();
  double best = INFINITY;
  for (int side : {8, 4, 2}) {
    if (side == 8 && !isFloat) // the sums fill the registers
      continue;
    int64_t tile = side * model.threadSide;
    int64_t tiles = estimate(outerSize()) * llvm::divideCeil(m, tile) * llvm::divideCeil(n, tile);
    double cost = double(llvm::divideCeil(tiles, model.multiprocessors)) * double(side * side + model.tileCost * side);
    if (cost >= best)
      continue;
    best = cost;
    threadTile = side;
    rowBlock = columnBlock = tile;
  }
}

// Tasks that a thread should at least get.
int64_t ContractionSchedule::grain() const {
  int64_t rows = std::min(estimate(a.count()), rowBlock), columns = std::min(estimate(b.count()), columnBlock);
  if (form == Form::Blocks)
    columns = llvm::alignTo(columns, lowering.model.tileColumns);
  int64_t depth = estimate(a.depth()), work = rows * columns * depth;
  // Multiply-adds for an operation of the model: one where each stores a result, a vector's otherwise, but half as many
  // operations as elements of B where the product is bound by reading them.
  int64_t reading = form == Form::FewRows ? columns * depth / 2 : 0;
  int64_t atOnce = inTiles ? lowering.model.tiledResults : 16;
  return lowering.model.grain(form == Form::Outer ? work : work / atOnce + reading, 1);
}

bool ContractionSchedule::mayPack(const ContractionOperand &operand) const {
  return ceilDivide(operand.depth(), kPanelColumns) && ceilDivide(operand.count(), lowering.model.packColumns);
}

// An operand as kernel.pack copies it, A in rows and B in panels: one such matrix for each batch and outer index, as an
// operand whose only axis of strides is that of the matrices.
ContractionOperand ContractionSchedule::packed(const ContractionOperand &operand) {
  bool inRows = &operand == &a;
  std::vector<int> outerAxes = operand.outerAxes();
  Sizes outerShape;
  for (int axis : outerAxes)
    outerShape.push_back(operand.storage.shape[axis]);
  int64_t part = lowering.model.packColumns;
  Size outer = weft::product(outerShape), blocks = *ceilDivide(operand.count(), part);
  Size depth = *ceilDivide(operand.depth(), kPanelRows) * Size(kPanelRows);
  // Rows an odd multiple of half a panel apart are in different sets of a cache.
  if (inRows)
    depth = operand.depth().isStatic()
                ? Size(llvm::alignTo(operand.depth().constant, kPanelColumns) + kPanelColumns / 2)
                : *ceilDivide(operand.depth(), kPanelColumns) * Size(kPanelColumns);
  Type element = storageType(operand.storage.type), type = kernel::ContractOp::sumType(element, element);
  if (inPairs && lowering.target.dotsPairs)
    type = element;
  ContractionOperand result = operand;
  result.storage = lowering.temporary(
      inRows ? Sizes{outer, blocks, Size(part), depth} : Sizes{outer, blocks, depth, Size(part)}, type);
  Kernel kernel(lowering, group);
  kernel.suffix = inRows ? "_rows" : "_panels";
  KernelBuilder &k = kernel.k;
  k.loop(k.begin, k.end, false, [&](Value task) {
    Value index = k.index(0), block = task;
    if (!outer.is(1))
      std::tie(index, block) = k.split(task, blocks);
    std::vector<std::pair<int, Value>> indices;
    Point whole;
    if (!outerAxes.empty())
      whole.push_back({0, int(outerAxes.size()), index});
    for (const Segment &segment : cut(k, whole, outerShape, allBoundaries(int(outerAxes.size()))))
      indices.push_back({outerAxes[segment.first], segment.index});
    Value strideK = k.size(operand.depthStride()), stride = k.size(operand.stride());
    Value first = k.mul(block, k.index(part)), start = k.add(operand.base(k, indices), k.mul(first, stride));
    Value count = k.min(k.index(part), k.sub(k.size(operand.count()), first)), all = k.size(operand.depth());
    Value from = k.buffer(operand.storage.planBuffer, element), to = k.buffer(result.storage.planBuffer, type);
    Value place = linear(k, {{0, 2, task}}, result.storage.shape);
    kernel.e.reads.push_back({operand.storage.planBuffer, Value()});
    kernel.writes.push_back({result.storage.planBuffer, place});
    Value target = k.mul(place, depth * Size(part));
    if (inRows)
      kernel::PackOp::create(k.builder, k.location, from, start, stride, strideK, count, all, to, target,
                             k.size(depth));
    else
      kernel::PackOp::create(k.builder, k.location, from, start, strideK, stride, all, count, to, target, Value());
  });
  lowering.finish(kernel, group, outer * blocks, lowering.model.grain(part * estimate(operand.depth()), 1));
  return result;
}

// One product an element, which a multiply-add to what its order begins with rounds as kernel.contract does.
void ContractionSchedule::outerProduct(KernelBuilder &k, ArrayRef<Value> operands, Epilogue epilogue) {
  Type type = kernel::ContractOp::sumType(storageType(a.storage.type), storageType(b.storage.type));
  auto load = [&](Value buffer, Value index) {
    Value value = kernel::LoadOp::create(k.builder, k.location, buffer, index);
    if (value.getType() != type)
      value = arith::ExtFOp::create(k.builder, k.location, type, value);
    return Scalar{&k.builder, k.location, value};
  };
  k.loop(operands[9], operands[10], false, [&](Value m) {
    Scalar x = load(operands[0], k.add(operands[1], k.mul(m, operands[2])));
    k.loop(operands[11], operands[12], true, [&](Value n) {
      Scalar y = load(operands[4], k.add(operands[5], k.mul(n, operands[7])));
      Scalar product = isa<FloatType>(type) ? fma(x, y, x.constant(0.0)) : x * y;
      epilogue(m, n, (isUnbroken(dot) ? product + 0.0 : product).value);
    });
  });
}

void ContractionSchedule::product() {
  Value dotValue = dot->getResult(0);
  Sizes shape = sizesOf(dotValue);
  int batches = int(a.batch.size()), rank = int(shape.size());
  Size rows = a.count(), columns = b.count(), depth = a.depth();
  ContractionOperand left = packsA ? packed(a) : a, right = packsB ? packed(b) : b;

  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  auto rowBlocks = ceilDivide(rows, rowBlock), columnBlocks = ceilDivide(columns, columnBlock);
  Size outerRows = weft::product(shape, a.result, a.result + a.outer);
  Size outerColumns = weft::product(shape, b.result, b.result + b.outer);
  Size batchSize = weft::product(shape, 0, batches);

  auto blockOf = [&](Value task, Value endTask) {
    Value outer = k.index(0), block = task;
    if (!(batchSize * outerRows * outerColumns).is(1))
      std::tie(outer, block) = k.split(task, *rowBlocks * *columnBlocks);
    Value row = k.index(0), column = block;
    if (!rowBlocks->is(1))
      std::tie(row, column) = k.split(block, *columnBlocks);
    auto [outerRow, outerColumn] = k.split(outer, outerColumns);
    Value batch;
    std::tie(batch, outerRow) = k.split(outerRow, outerRows);

    // The axes of an operand that are outer indices, and the parts of the result's point that they are.
    Point outerPoint;
    std::vector<std::pair<int, Value>> leftIndices, rightIndices;
    auto place = [&](int first, int count, Value index, function_ref<void(int, Value)> use) {
      if (!count)
        return;
      outerPoint.push_back({first, count, index});
      for (const Segment &segment : cut(k, {{first, count, index}}, shape, allBoundaries(rank)))
        use(segment.first - first, segment.index);
    };
    place(0, batches, batch, [&](int axis, Value index) {
      leftIndices.push_back({a.batch[axis], index});
      rightIndices.push_back({b.batch[axis], index});
    });
    place(a.result, a.outer, outerRow, [&](int axis, Value index) { leftIndices.push_back({a.free[axis], index}); });
    place(b.result, b.outer, outerColumn,
          [&](int axis, Value index) { rightIndices.push_back({b.free[axis], index}); });
    if (packsA)
      leftIndices = {{0, k.join(batch, outerRow, outerRows)}};
    if (packsB)
      rightIndices = {{0, k.join(batch, outerColumn, outerColumns)}};

    Value aBuffer = k.buffer(left.storage.planBuffer, storageType(left.storage.type));
    Value bBuffer = k.buffer(right.storage.planBuffer, storageType(right.storage.type));
    kernel.e.reads.push_back({left.storage.planBuffer, Value()});
    kernel.e.reads.push_back({right.storage.planBuffer, Value()});
    Value rowBegin = k.mul(row, k.index(rowBlock)), columnBegin = k.mul(column, k.index(columnBlock));
    Value columnEnd = endTask ? k.mul(endTask, k.index(columnBlock)) : k.add(columnBegin, k.index(columnBlock));
    Value strideK = packsB ? k.index(kPanelColumns) : k.size(b.depthStride());
    Value strideN = k.size(packsB ? right.storage.shape[2] : b.stride());
    SmallVector<Value> operands{aBuffer,
                                left.base(k, leftIndices),
                                k.size(packsA ? left.storage.shape[3] : a.stride()),
                                packsA ? k.index(1) : k.size(a.depthStride()),
                                bBuffer,
                                right.base(k, rightIndices),
                                strideK,
                                strideN,
                                k.size(depth),
                                rowBegin,
                                k.min(k.add(rowBegin, k.index(rowBlock)), k.size(rows)),
                                columnBegin,
                                k.min(columnEnd, k.size(columns))};

    auto epilogue = [&](Value m, Value n, Value sumOfProducts) {
      Point at = outerPoint;
      for (auto [operand, index] : {std::pair(&a, m), std::pair(&b, n)})
        if (int count = int(operand->free.size()) - operand->outer)
          at.push_back({operand->result + operand->outer, count, index});
      llvm::sort(at, [](const Segment &x, const Segment &y) { return x.first < y.first; });
      Type element = elementType(dotValue);
      Scalar sum = kernel.e.rounded(kernel.e.scalar(sumOfProducts, element), element);
      kernel.e.override(dotValue, [sum](const Point &) { return sum.value; });
      SmallVector<Scalar> values;
      for (Value result : group.results)
        values.push_back(kernel.e.evaluate(result, reshaped(k, at, shape, sizesOf(result))));
      for (auto [i, value] : llvm::enumerate(values))
        kernel.store(value, lowering.result(group, i), reshaped(k, at, shape, lowering.result(group, i).shape));
    };
    if (form == Form::Outer)
      outerProduct(k, operands, epilogue);
    else {
      auto contract = k.contract(operands, packsB, isUnbroken(dot), epilogue);
      contract.setPairs(inPairs);
      if (threadTile)
        contract.setThreadTile(ArrayRef<int32_t>{threadTile, threadTile});
    }
  };
  // A thread's tasks of few rows lie side by side: as one they read longer parts of rows of B.
  if (form == Form::FewRows && isOneProduct() && !lowering.target.gpu)
    blockOf(k.begin, k.end);
  else
    k.loop(k.begin, k.end, false, [&](Value task) { blockOf(task, Value()); });
  lowering.finish(kernel, group, batchSize * outerRows * outerColumns * *rowBlocks * *columnBlocks, grain());
}

void scheduleContraction(Lowering &lowering, const Group &group) {
  for (Operation *op : group.ops)
    if (familyOf(op) == OpFamily::Convolution)
      return scheduleConvolution(lowering, group, op);
  Operation *dot = *llvm::find_if(group.ops, [](Operation *op) { return familyOf(op) == OpFamily::Contraction; });
  if (!weft::product(sizesOf(dot->getResult(0))).is(0))
    ContractionSchedule(lowering, group, dot).product();
}

} // namespace weft
