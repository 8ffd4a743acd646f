// Work on rows so short that as vectors they would leave most lanes idle, and wait for one tree after another. A lane
// is a row instead: a task is a row, and 64 at a time are copied into scratch memory, transposed, and their results
// back.
#include "codegen/schedule/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {

static constexpr int64_t kLanes = kernel::TransposeOp::kLanes;

namespace {

class ShortRows {
public:
  ShortRows(Lowering &lowering, const Group &group, const Sizes &space, int outer)
      : lowering(lowering), group(group), kernel(lowering, group), k(kernel.k), space(space), outer(outer),
        rows(product(space, 0, outer)), length(product(space, outer, int(space.size()))),
        inputs(lowering.inputs(group)) {}
  // Whether rows are short and many, and their elements lie so that they can be copied, or read as lanes.
  bool find();
  void run();

private:
  bool isFull(Value value) { return sizesOf(value) == space; }
  static bool canCopy(Type element) { return bool(kernel::TransposeOp::laneType(storageType(element))); }
  bool consider(Value value);
  Value loaded(Value memory, const Point &point);
  Value copied(Value value, const Storage &view);
  void keep(Value value);
  void work();
  Point full(Value i) { return {{0, outer, row}, {outer, int(space.size()) - outer, i}}; }
  Value place(Value i) { return k.add(k.mul(i, k.index(kLanes)), lane); }
  void overRow(llvm::function_ref<void(Value)> body) { k.loop(k.index(0), k.size(length), false, body); }

  Lowering &lowering;
  const Group &group;
  Kernel kernel;
  KernelBuilder &k;
  const Sizes &space;
  int outer;
  Size rows, length;
  llvm::DenseMap<Value, Storage> inputs;
  std::vector<std::pair<Value, Storage>> views; // what is copied
  llvm::DenseMap<Value, Value> copies;
  Value firstRow, count, row, lane; // of the rows that are worked on
};

} // namespace

// A value that is an input, or a view of one.
bool ShortRows::consider(Value value) {
  if (!isFull(value))
    return true;
  std::optional<Storage> view = stridedView(value, inputs);
  if (!view)
    return true;
  int rank = int(space.size());
  if (stridedBoundaries(space, view->strides) & ~boundary(outer))
    return false;
  Size down = mergedStride(space, view->strides, 0, outer), along = mergedStride(space, view->strides, outer, rank);
  if (down.is(0) || down.is(1))
    return true;
  if (!along.is(1) || !canCopy(view->type))
    return false;
  views.push_back({value, *view});
  return true;
}

bool ShortRows::find() {
  const CostModel &model = lowering.model;
  if (lowering.target.gpu || !length.isStatic() || length.constant < 2 || outer == 0 ||
      lowering.estimate(rows) < model.manyRows)
    return false;
  // A few additions are all that the sums of a row of whole vectors take.
  bool isSums = llvm::none_of(group.results, [&](Value result) { return isFull(result); });
  int64_t bytes = 0; // of the widest row
  for (Operation *op : group.ops)
    if (familyOf(op) == OpFamily::Reduction) {
      Type element = elementType(op->getOperand(0));
      isSums &= reductionKind(op, element) == "sum";
      bytes = std::max(bytes, length.constant * computeType(element).getIntOrFloatBitWidth() / 8);
    }
  if (bytes > model.shortRow || (isSums && bytes % model.vector == 0))
    return false;
  for (auto &[inside, outside] : group.inputs)
    if (!consider(inside))
      return false;
  for (Operation *op : group.ops) {
    bool isView = llvm::is_contained({OpKind::Reshape, OpKind::Expand, OpKind::Permute, OpKind::Slice}, kindOf(op));
    if (familyOf(op) == OpFamily::Reduction ? !reducesRow(op)
        : familyOf(op) == OpFamily::Shape   ? !isView || !consider(op->getResult(0))
                                            : false)
      return false;
  }
  return llvm::all_of(group.results, [&](Value result) { return !isFull(result) || canCopy(elementType(result)); });
}

// The element at a point of what stands in lanes; null where it is not of the rows that are worked on.
Value ShortRows::loaded(Value memory, const Point &point) {
  Point before, behind;
  for (const Segment &segment : cut(k, point, space, boundary(outer)))
    (segment.first < outer ? before : behind).push_back(segment);
  if (!k.reaches(row) || linear(k, before, space) != row)
    return {};
  OpBuilder::InsertionGuard guard(k.builder);
  Value index = place(linear(k, behind, space));
  k.hoist({index, row});
  return kernel::LoadOp::create(k.builder, k.location, memory, index);
}

Value ShortRows::copied(Value value, const Storage &view) {
  Value &copy = copies[value];
  if (copy)
    return copy;
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist({firstRow, count});
  Size down = mergedStride(space, view.strides, 0, outer);
  Type memory = storageType(view.type);
  kernel.e.reads.push_back({view.planBuffer, Value()});
  copy = k.scratch(length.constant * kLanes, kernel::TransposeOp::laneType(memory));
  kernel::TransposeOp::create(k.builder, k.location, k.buffer(view.planBuffer, memory),
                              k.add(k.size(view.offset), k.mul(firstRow, down)), k.size(down), count, k.size(length),
                              copy, /*back=*/false);
  return copy;
}

// A costly value is computed once for all loops over the row.
void ShortRows::keep(Value value) {
  Value memory = k.scratch(length.constant * kLanes, computeType(elementType(value)));
  bool isMoved = false;
  overRow([&](Value i) {
    Scalar element = kernel.e.evaluate(value, full(i));
    isMoved = element.isMoved;
    k.store(element.value, memory, place(i));
  });
  kernel.e.override(value, [this, memory](const Point &point) { return loaded(memory, point); }, isMoved);
}

// What is done in a lane; full results go to scratch memory, from where they are copied behind the loop.
void ShortRows::work() {
  std::vector<std::pair<size_t, Value>> results;
  SmallVector<Value> last;
  for (auto [i, value] : llvm::enumerate(group.results))
    if (isFull(value)) {
      Type memory = kernel::TransposeOp::laneType(storageType(elementType(value)));
      results.push_back({i, k.scratch(length.constant * kLanes, memory)});
      last.push_back(value);
    }
  k.loop(k.index(0), count, true, [&](Value index) {
    lane = index;
    row = k.add(firstRow, lane);
    for (Value value : sharedRowValues(lowering, group, space, last))
      keep(value);
    Sizes outerShape(space.begin(), space.begin() + outer);
    for (auto [i, value] : llvm::enumerate(group.results)) {
      if (isFull(value))
        continue;
      Point at = reshaped(k, {{0, outer, row}}, outerShape, sizesOf(value));
      kernel.store(kernel.e.evaluate(value, at), lowering.result(group, i), at);
    }
    if (results.empty())
      return;
    overRow([&](Value i) {
      for (auto &[number, memory] : results) {
        Value result = group.results[number];
        Value element = kernel.e.toMemory(kernel.e.evaluate(result, full(i)), elementType(result));
        if (Type type = cast<kernel::BufferType>(memory.getType()).getElementType(); type != element.getType())
          element = arith::ExtFOp::create(k.builder, k.location, type, element);
        k.store(element, memory, place(i));
      }
    });
  });
  for (auto &[number, memory] : results) {
    const Storage &to = lowering.result(group, number);
    kernel.writes.push_back({to.planBuffer, Value()});
    kernel::TransposeOp::create(k.builder, k.location, k.buffer(to.planBuffer, storageType(to.type)),
                                k.mul(firstRow, length), k.size(length), count, k.size(length), memory, /*back=*/true);
  }
}

void ShortRows::run() {
  kernel.mayRunInPlace = false;
  for (auto &[value, view] : views)
    kernel.e.override(
        value, [this, value = value, &view = view](const Point &point) { return loaded(copied(value, view), point); },
        /*isMoved=*/true);
  Value blocks = k.div(k.add(k.sub(k.end, k.begin), k.index(kLanes - 1)), k.index(kLanes));
  k.loop(k.index(0), blocks, false, [&](Value block) {
    firstRow = k.add(k.begin, k.mul(block, k.index(kLanes)));
    count = k.min(k.index(kLanes), k.sub(k.end, firstRow));
    work();
  });
  lowering.finish(kernel, group, rows, lowering.model.grain(length.constant, groupCost(lowering, group)));
}

bool scheduleShortRows(Lowering &lowering, const Group &group, const Sizes &space, int outer) {
  ShortRows schedule(lowering, group, space, outer);
  if (!schedule.find())
    return false;
  schedule.run();
  return true;
}

} // namespace weft
