// Matrix products. dot_general becomes outer indices (batch axes, and free axes that do not merge into one stride) times a
// product C[m, n] = sum over k of A[m, k] * B[k, n] with strides; a task is a block of one C, the epilogue runs on its results.
// An operand without such strides is copied first.
#include "codegen/Schedule.h"

using namespace mlir;

namespace weft {

static constexpr int64_t kRowBlock = 126, kColumnBlock = 256; // multiples of the register tile

namespace {

// An operand's axes by their part in the product, with sizes and strides.
struct Axes {
  std::vector<int> batch, free, contract;
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
  std::optional<Storage> view(Value value);
  Storage operandStorage(int operand, Axes &axes);
  Storage copied(Value value, Axes &axes);
  Value base(Kernel &kernel, const Storage &storage, const std::vector<std::pair<int, Value>> &indices);
  void emit();

  Lowering &lowering;
  const Group &group;
  Operation *dot = nullptr;
  llvm::DenseMap<Value, Storage> inputs;
  Axes a, b;
  Storage left, right;
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

// Where the value's elements lie, if that is at an offset plus strides into an input.
std::optional<Storage> ContractionSchedule::view(Value value) {
  if (auto at = inputs.find(value); at != inputs.end())
    return at->second;
  Operation *op = value.getDefiningOp();
  if (familyOf(op) != OpFamily::Shape)
    return std::nullopt;
  std::optional<Storage> from = view(op->getOperand(0));
  if (!from)
    return from;
  Storage result = *from;
  result.shape = sizesOf(value);
  switch (kindOf(op)) {
  case OpKind::Permute: {
    std::vector<int64_t> dims = intsAttr(op, "dims");
    for (size_t i = 0; i < dims.size(); ++i)
      result.strides[i] = from->strides[dims[i]];
    return result;
  }
  case OpKind::Reshape: {
    auto strides = reshapedStrides(from->shape, from->strides, result.shape);
    if (!strides)
      return std::nullopt;
    result.strides = *strides;
    return result;
  }
  case OpKind::Expand: {
    size_t lead = result.shape.size() - from->shape.size();
    result.strides.assign(result.shape.size(), Size(0));
    for (size_t i = 0; i < from->shape.size(); ++i)
      if (from->shape[i] == result.shape[lead + i])
        result.strides[lead + i] = from->strides[i];
    return result;
  }
  case OpKind::Slice: {
    std::vector<int64_t> starts = intsAttr(op, "starts"), steps = intsAttr(op, "steps");
    for (size_t i = 0; i < starts.size(); ++i) {
      Size skipped = Size(starts[i]) * from->strides[i];
      if (!skipped.isStatic() || !result.offset.isStatic())
        return std::nullopt;
      result.offset = Size(result.offset.constant + skipped.constant);
      result.strides[i] = from->strides[i] * Size(steps[i]);
    }
    return result;
  }
  default:
    return std::nullopt;
  }
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
  lowering.finish(kernel, group, count, grainFor(1, 8));
  int next = 0;
  for (std::vector<int> *part : {&axes.batch, &axes.free, &axes.contract})
    for (int &axis : *part)
      axis = next++;
  return result;
}

Storage ContractionSchedule::operandStorage(int operand, Axes &axes) {
  axes = axesOf(operand ? "rhs" : "lhs", operand);
  Value value = dot->getOperand(operand);
  auto storage = view(value);
  if (!storage || mergedTail(axes.contract, *storage) > 0)
    return copied(value, axes);
  return *storage;
}

Value ContractionSchedule::base(Kernel &kernel, const Storage &storage,
                                const std::vector<std::pair<int, Value>> &indices) {
  KernelBuilder &k = kernel.k;
  Value sum = k.size(storage.offset);
  for (auto [axis, index] : indices)
    sum = k.add(sum, k.mul(index, storage.strides[axis]));
  return sum;
}

void ContractionSchedule::emit() {
  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  Value dotValue = dot->getResult(0);
  Sizes shape = sizesOf(dotValue);
  int batches = int(a.batch.size()), rank = int(shape.size());
  int rowAxes = int(a.free.size()), columnAxes = int(b.free.size());

  // Leading free axes that stay outer indices; all but the last if the run time could not count the blocks of several.
  int rowsFrom = mergedTail(a.free, left), columnsFrom = mergedTail(b.free, right);
  if (!ceilDivide(tailSize(a.free, rowsFrom, left), kRowBlock))
    rowsFrom = rowAxes - 1;
  if (!ceilDivide(tailSize(b.free, columnsFrom, right), kColumnBlock))
    columnsFrom = columnAxes - 1;
  Size rows = tailSize(a.free, rowsFrom, left), columns = tailSize(b.free, columnsFrom, right);
  auto rowBlocks = ceilDivide(rows, kRowBlock), columnBlocks = ceilDivide(columns, kColumnBlock);
  Size depth = tailSize(a.contract, 0, left);
  Size outerRows = product(shape, 0, batches + rowsFrom);
  Size outerColumns = product(shape, batches + rowAxes, batches + rowAxes + columnsFrom);

  k.loop(k.begin, k.end, false, [&](Value task) {
    auto [outer, block] = k.split(task, *rowBlocks * *columnBlocks);
    auto [rowBlock, columnBlock] = k.split(block, *columnBlocks);
    auto [outerRow, outerColumn] = k.split(outer, outerColumns);
    if ((outerRows * outerColumns).is(1))
      outerRow = outerColumn = k.index(0);
    Point lead;
    if (batches + rowsFrom)
      lead.push_back({0, batches + rowsFrom, outerRow});
    Point leadAxes = cut(k, lead, shape, allBoundaries(rank));
    Point middle;
    if (columnsFrom)
      middle.push_back({batches + rowAxes, columnsFrom, outerColumn});
    Point middleAxes = cut(k, middle, shape, allBoundaries(rank));

    std::vector<std::pair<int, Value>> leftIndices, rightIndices;
    for (const Segment &segment : leadAxes) {
      bool isBatch = segment.first < batches;
      leftIndices.push_back({isBatch ? a.batch[segment.first] : a.free[segment.first - batches], segment.index});
      if (isBatch)
        rightIndices.push_back({b.batch[segment.first], segment.index});
    }
    for (const Segment &segment : middleAxes)
      rightIndices.push_back({b.free[segment.first - batches - rowAxes], segment.index});

    Value aBuffer = k.buffer(left.planBuffer, storageType(left.type));
    Value bBuffer = k.buffer(right.planBuffer, storageType(right.type));
    kernel.e.reads.push_back({left.planBuffer, Value()});
    kernel.e.reads.push_back({right.planBuffer, Value()});
    Value rowBegin = k.mul(rowBlock, k.index(kRowBlock)), columnBegin = k.mul(columnBlock, k.index(kColumnBlock));
    SmallVector<Value> operands{aBuffer, base(kernel, left, leftIndices), k.size(tailStride(a.free, rowsFrom, left)),
                                k.size(tailStride(a.contract, 0, left)), bBuffer, base(kernel, right, rightIndices),
                                k.size(tailStride(b.contract, 0, right)),
                                k.size(tailStride(b.free, columnsFrom, right)), k.size(depth), rowBegin,
                                k.min(k.add(rowBegin, k.index(kRowBlock)), k.size(rows)), columnBegin,
                                k.min(k.add(columnBegin, k.index(kColumnBlock)), k.size(columns))};
    Type sumType = kernel::ContractOp::sumType(storageType(left.type), storageType(right.type));
    OperationState state(k.location, kernel::ContractOp::getOperationName());
    state.addOperands(operands);
    Block *body = new Block;
    state.addRegion()->push_back(body);
    body->addArguments({k.builder.getIndexType(), k.builder.getIndexType(), sumType},
                       {k.location, k.location, k.location});
    k.builder.create(state);
    OpBuilder::InsertionGuard guard(k.builder);
    k.builder.setInsertionPointToEnd(body);

    Point at = lead;
    if (rowAxes > rowsFrom)
      at.push_back({batches + rowsFrom, rowAxes - rowsFrom, body->getArgument(0)});
    at.append(middle);
    if (columnAxes > columnsFrom)
      at.push_back({batches + rowAxes + columnsFrom, columnAxes - columnsFrom, body->getArgument(1)});
    Type element = elementType(dotValue);
    Scalar sum = kernel.e.rounded(kernel.e.scalar(body->getArgument(2), element), element);
    kernel.e.override(dotValue, [sum](const Point &) { return sum.value; });
    SmallVector<Scalar> values;
    for (Value result : group.results)
      values.push_back(kernel.e.evaluate(result, reshaped(k, at, shape, sizesOf(result))));
    for (auto [i, value] : llvm::enumerate(values))
      kernel.store(value, lowering.result(group, i), reshaped(k, at, shape, lowering.result(group, i).shape));
    kernel::YieldOp::create(k.builder, k.location, ValueRange());
  });
  int64_t work = std::min(rows.estimate(), kRowBlock) * std::min(columns.estimate(), kColumnBlock) * depth.estimate();
  lowering.finish(kernel, group, outerRows * outerColumns * *rowBlocks * *columnBlocks, grainFor(work / 16, 1));
}

void ContractionSchedule::run() {
  if (product(sizesOf(dot->getResult(0))).is(0))
    return;
  left = operandStorage(0, a);
  right = operandStorage(1, b);
  emit();
}

void scheduleContraction(Lowering &lowering, const Group &group) { ContractionSchedule(lowering, group).run(); }

} // namespace weft
