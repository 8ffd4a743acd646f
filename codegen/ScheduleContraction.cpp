// Matrix products. dot_general becomes outer indices (batch axes, and free axes that do not merge into one stride)
// times a product C[m, n] = sum over k of A[m, k] * B[k, n] with strides; a task is a block of one C, the epilogue runs
// on its results. An operand without such strides is copied first. Where C has one row or one column the sums go by
// lanes (kernel.contract), and the operand that has more than a row is B. Where K is 1 there is nothing to sum.
#include "codegen/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {

static constexpr int64_t kPanel = 32, kPanelRows = 16; // columns of a panel of packed B; its rows are a multiple

namespace {

// An operand's axes by their part in the product; the free ones are those from `result` on of the result.
struct Axes {
  std::vector<int> batch, free, contract;
  int result = 0;
};

// The tail of `axes` that is one axis by its strides, so that `axes[merged..]` may be indexed as one.
int mergedTail(const std::vector<int> &axes, const Storage &storage) {
  int at = int(axes.size());
  while (at > 0) {
    Sizes shape, strides;
    for (size_t i = at - 1; i < axes.size(); ++i) {
      shape.push_back(storage.shape[axes[i]]);
      strides.push_back(storage.strides[axes[i]]);
    }
    if (stridedBoundaries(shape, strides))
      break;
    --at;
  }
  return at;
}

Size tailSize(const std::vector<int> &axes, int from, const Storage &storage) {
  Size size;
  for (size_t i = from; i < axes.size(); ++i)
    size = size * storage.shape[axes[i]];
  return size;
}

Size tailStride(const std::vector<int> &axes, int from, const Storage &storage) {
  for (int i = int(axes.size()) - 1; i >= from; --i)
    if (!storage.shape[axes[i]].is(1))
      return storage.strides[axes[i]];
  return Size(0);
}

class ContractionSchedule {
public:
  ContractionSchedule(Lowering &lowering, const Group &group) : lowering(lowering), group(group) {
    for (Operation *op : group.ops)
      if (familyOf(op) == OpFamily::Contraction)
        dot = op;
    inputs = lowering.inputs(group);
  }
  void run();

private:
  Axes axesOf(StringRef side, int operand);
  Storage operandStorage(int operand, Axes &axes);
  Storage copied(Value value, Axes &axes);
  Value base(Kernel &kernel, const Storage &storage, const std::vector<std::pair<int, Value>> &indices);
  Size freeSize(int operand);
  void split();
  void chooseBlocks();
  Storage packedPanels();
  bool isOuter() const { return depth.is(1) && !byLanes; }
  using Epilogue = llvm::function_ref<void(Value m, Value n, Value sum)>;
  void contract(KernelBuilder &k, ArrayRef<Value> operands, bool packs, Epilogue epilogue);
  void outerProduct(KernelBuilder &k, ArrayRef<Value> operands, Epilogue epilogue);
  void emit();

  Lowering &lowering;
  const Group &group;
  Operation *dot = nullptr;
  llvm::DenseMap<Value, Storage> inputs;
  Axes a, b;
  Storage left, right;
  // Free axes [0, rowsFrom) of A and [0, columnsFrom) of B are outer indices, the others are the rows and columns of C.
  int rowsFrom = 0, columnsFrom = 0;
  bool byLanes = false; // C has one row
  int64_t rowBlock = 1, columnBlock = kPanel;
  Size rows, columns, depth;
};

} // namespace

Axes ContractionSchedule::axesOf(StringRef side, int operand) {
  Axes axes;
  for (int64_t axis : intsAttr(dot, (side + "_batch").str()))
    axes.batch.push_back(int(axis));
  for (int64_t axis : intsAttr(dot, (side + "_contract").str()))
    axes.contract.push_back(int(axis));
  for (int axis = 0; axis < int(sizesOf(dot->getOperand(operand)).size()); ++axis)
    if (!llvm::is_contained(axes.batch, axis) && !llvm::is_contained(axes.contract, axis))
      axes.free.push_back(axis);
  return axes;
}

// The operand copied into memory with its axes in the order batch, free, contract.
Storage ContractionSchedule::copied(Value value, Axes &axes) {
  Sizes shape = sizesOf(value), ordered;
  std::vector<int> order = axes.batch;
  order.insert(order.end(), axes.free.begin(), axes.free.end());
  order.insert(order.end(), axes.contract.begin(), axes.contract.end());
  for (int axis : order)
    ordered.push_back(shape[axis]);
  int rank = int(shape.size());
  Storage result = lowering.temporary(ordered, elementType(value));
  Kernel kernel(lowering, group);
  kernel.suffix = "_operand";
  KernelBuilder &k = kernel.k;
  Size count = product(shape);
  k.loop(k.begin, k.end, !count.is(1), [&](Value i) {
    Point at = cut(k, {{0, rank, i}}, ordered, allBoundaries(rank)), from(rank);
    for (int dim = 0; dim < rank; ++dim)
      from[order[dim]] = {order[dim], 1, at[dim].index};
    kernel.store(kernel.e.evaluate(value, from), result, {{0, rank, i}});
  });
  lowering.finish(kernel, group, count, lowering.model.grain(1, 8));
  int next = 0;
  for (std::vector<int> *part : {&axes.batch, &axes.free, &axes.contract})
    for (int &axis : *part)
      axis = next++;
  return result;
}

Storage ContractionSchedule::operandStorage(int operand, Axes &axes) {
  axes = axesOf(operand ? "rhs" : "lhs", operand);
  axes.result = int(axes.batch.size());
  if (operand)
    axes.result += int(axesOf("lhs", 0).free.size());
  Value value = dot->getOperand(operand);
  auto storage = stridedView(value, inputs);
  if (!storage || mergedTail(axes.contract, *storage) > 0)
    return copied(value, axes);
  return *storage;
}

Value ContractionSchedule::base(Kernel &kernel, const Storage &storage,
                                const std::vector<std::pair<int, Value>> &indices) {
  KernelBuilder &k = kernel.k;
  Value sum = k.offset(storage.offset);
  for (auto [axis, index] : indices)
    sum = k.add(sum, k.mul(index, storage.strides[axis]));
  return sum;
}

Size ContractionSchedule::freeSize(int operand) {
  Sizes shape = sizesOf(dot->getOperand(operand));
  Size size;
  for (int axis : axesOf(operand ? "rhs" : "lhs", operand).free)
    size = size * shape[axis];
  return size;
}

// Splits the free axes into outer indices and blocks.
void ContractionSchedule::split() {
  // All but the last axis are outer indices if the run time could not count the blocks of several.
  rowsFrom = mergedTail(a.free, left);
  columnsFrom = mergedTail(b.free, right);
  if (!ceilDivide(tailSize(a.free, rowsFrom, left), 2))
    rowsFrom = int(a.free.size()) - 1;
  if (!ceilDivide(tailSize(b.free, columnsFrom, right), 2))
    columnsFrom = int(b.free.size()) - 1;
  rows = tailSize(a.free, rowsFrom, left);
  columns = tailSize(b.free, columnsFrom, right);
  depth = tailSize(a.contract, 0, left);
  if (byLanes) {
    columnBlock = lowering.model.vectorColumns;
  } else if (isOuter()) {
    columnBlock = lowering.model.laneBlock;
    rowBlock = std::max<int64_t>(1, lowering.model.laneBlock / std::max<int64_t>(1, columns.estimate()));
  } else {
    chooseBlocks();
  }
}

// As few blocks as the model allows, of nearly one size; the longer side is cut further where there would be too few.
void ContractionSchedule::chooseBlocks() {
  const CostModel &model = lowering.model;
  int64_t m = std::max<int64_t>(1, rows.estimate()), n = std::max<int64_t>(1, columns.estimate());
  int64_t mostColumns =
      model.productColumns * 4 / std::max<int64_t>(4, elementType(dot->getResult(0)).getIntOrFloatBitWidth() / 8);
  int64_t rowBlocks = llvm::divideCeil(m, model.productRows), columnBlocks = llvm::divideCeil(n, mostColumns);
  auto choose = [&] {
    rowBlock = llvm::divideCeil(m, rowBlocks);
    columnBlock = llvm::alignTo(llvm::divideCeil(n, columnBlocks), kPanel);
  };
  choose();
  int64_t outer = divideExactly(product(sizesOf(dot->getResult(0))), rows * columns).value_or(Size(1)).estimate();
  while (outer * rowBlocks * columnBlocks < model.fewProducts && (columnBlock > 2 * kPanel || rowBlock > 2 * kPanel)) {
    (columnBlock >= rowBlock ? columnBlocks : rowBlocks) += 1;
    choose();
  }
}

// B packed (kernel.pack), for each outer index one such matrix.
Storage ContractionSchedule::packedPanels() {
  Sizes outerShape;
  std::vector<int> outerAxes = b.batch;
  outerAxes.insert(outerAxes.end(), b.free.begin(), b.free.begin() + columnsFrom);
  for (int axis : outerAxes)
    outerShape.push_back(right.shape[axis]);
  Size outer = product(outerShape), panelRows = *ceilDivide(depth, kPanelRows) * Size(kPanelRows);
  int64_t packColumns = lowering.model.packColumns;
  Size blocks = *ceilDivide(columns, packColumns);
  Type type = kernel::ContractOp::sumType(storageType(right.type), storageType(right.type));
  Storage result = lowering.temporary({outer, blocks, panelRows, Size(packColumns)}, type);
  Kernel kernel(lowering, group);
  kernel.suffix = "_panels";
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
    Value strideK = k.size(tailStride(b.contract, 0, right)), strideN = k.size(tailStride(b.free, columnsFrom, right));
    Value first = k.mul(block, k.index(packColumns)),
          start = k.add(base(kernel, right, indices), k.mul(first, strideN));
    Value count = k.min(k.index(packColumns), k.sub(k.size(columns), first));
    Value from = k.buffer(right.planBuffer, storageType(right.type)), to = k.buffer(result.planBuffer, type);
    Value place = linear(k, {{0, 2, task}}, result.shape);
    kernel.e.reads.push_back({right.planBuffer, Value()});
    kernel.writes.push_back({result.planBuffer, place});
    kernel::PackOp::create(k.builder, k.location, from, start, strideK, strideN, k.size(depth), count, to,
                           k.mul(place, panelRows * Size(packColumns)));
  });
  lowering.finish(kernel, group, outer * blocks, lowering.model.grain(packColumns * depth.estimate() / 4, 1));
  return result;
}

void ContractionSchedule::contract(KernelBuilder &k, ArrayRef<Value> operands, bool packs, Epilogue epilogue) {
  OperationState state(k.location, kernel::ContractOp::getOperationName());
  state.addOperands(operands);
  if (packs)
    state.addAttribute("packedB", k.builder.getUnitAttr());
  if (byLanes)
    state.addAttribute("lanes", k.builder.getUnitAttr());
  Block *body = new Block;
  state.addRegion()->push_back(body);
  Type index = k.builder.getIndexType(),
       sum = kernel::ContractOp::sumType(storageType(left.type), storageType(right.type));
  body->addArguments({index, index, sum}, {k.location, k.location, k.location});
  k.builder.create(state);
  OpBuilder::InsertionGuard guard(k.builder);
  k.builder.setInsertionPointToEnd(body);
  epilogue(body->getArgument(0), body->getArgument(1), body->getArgument(2));
  kernel::YieldOp::create(k.builder, k.location, ValueRange());
}

// One product an element, which a multiply-add to +0.0 rounds as kernel.contract does.
void ContractionSchedule::outerProduct(KernelBuilder &k, ArrayRef<Value> operands, Epilogue epilogue) {
  Type type = kernel::ContractOp::sumType(storageType(left.type), storageType(right.type));
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
      epilogue(m, n, (isa<FloatType>(type) ? fma(x, y, x.constant(0)) : x * y).value);
    });
  });
}

void ContractionSchedule::emit() {
  Value dotValue = dot->getResult(0);
  Sizes shape = sizesOf(dotValue);
  int batches = int(a.batch.size()), rank = int(shape.size());
  split();
  // A step that packs B is worth it when several blocks of rows read the copy, and always when the copy is kept.
  bool packs = !byLanes && !isOuter() && !lowering.target.gpu && ceilDivide(depth, kPanelRows) &&
               (lowering.weights.count(right.planBuffer) ||
                (rows.estimate() > rowBlock && columns.estimate() * depth.estimate() >= lowering.model.packElements));
  Storage panels;
  if (packs)
    panels = packedPanels();

  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  auto rowBlocks = ceilDivide(rows, rowBlock), columnBlocks = ceilDivide(columns, columnBlock);
  Size outerRows = product(shape, a.result, a.result + rowsFrom);
  Size outerColumns = product(shape, b.result, b.result + columnsFrom);
  Size batchSize = product(shape, 0, batches);

  k.loop(k.begin, k.end, false, [&](Value task) {
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
    place(a.result, rowsFrom, outerRow, [&](int axis, Value index) { leftIndices.push_back({a.free[axis], index}); });
    place(b.result, columnsFrom, outerColumn,
          [&](int axis, Value index) { rightIndices.push_back({b.free[axis], index}); });

    if (packs) { // one packed matrix after another, for each batch and outer column
      Value matrix = k.join(batch, outerColumn, outerColumns);
      right = panels;
      rightIndices = {{0, matrix}};
    }
    Value aBuffer = k.buffer(left.planBuffer, storageType(left.type));
    Value bBuffer = k.buffer(right.planBuffer, storageType(right.type));
    kernel.e.reads.push_back({left.planBuffer, Value()});
    kernel.e.reads.push_back({right.planBuffer, Value()});
    Value rowBegin = k.mul(row, k.index(rowBlock)), columnBegin = k.mul(column, k.index(columnBlock));
    Value strideK = packs ? k.index(kPanel) : k.size(tailStride(b.contract, 0, right));
    Value strideN = packs ? k.size(*ceilDivide(depth, kPanelRows) * Size(kPanelRows))
                          : k.size(tailStride(b.free, columnsFrom, right));
    SmallVector<Value> operands{aBuffer,
                                base(kernel, left, leftIndices),
                                k.size(tailStride(a.free, rowsFrom, left)),
                                k.size(tailStride(a.contract, 0, left)),
                                bBuffer,
                                base(kernel, right, rightIndices),
                                strideK,
                                strideN,
                                k.size(depth),
                                rowBegin,
                                k.min(k.add(rowBegin, k.index(rowBlock)), k.size(rows)),
                                columnBegin,
                                k.min(k.add(columnBegin, k.index(columnBlock)), k.size(columns))};

    auto epilogue = [&](Value m, Value n, Value sumOfProducts) {
      Point at = outerPoint;
      auto within = [&](const Axes &axes, int from, Value index) {
        if (int count = int(axes.free.size()) - from)
          at.push_back({axes.result + from, count, index});
      };
      within(a, rowsFrom, m);
      within(b, columnsFrom, n);
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
    if (isOuter())
      outerProduct(k, operands, epilogue);
    else
      contract(k, operands, packs, epilogue);
  });
  int64_t work = std::min(rows.estimate(), rowBlock) * std::min(columns.estimate(), columnBlock) * depth.estimate();
  lowering.finish(kernel, group, batchSize * outerRows * outerColumns * *rowBlocks * *columnBlocks,
                  lowering.model.grain(isOuter() ? work
                                       : byLanes ? work / 2
                                                 : work / 16,
                                       1));
}

void ContractionSchedule::run() {
  if (product(sizesOf(dot->getResult(0))).is(0))
    return;
  bool isRow = freeSize(0).is(1), isColumn = freeSize(1).is(1) && !isRow;
  byLanes = isRow || isColumn;
  left = operandStorage(isColumn ? 1 : 0, a);
  right = operandStorage(isColumn ? 0 : 1, b);
  emit();
}

void scheduleContraction(Lowering &lowering, const Group &group) { ContractionSchedule(lowering, group).run(); }

} // namespace weft
