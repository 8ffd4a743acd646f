// The greatest (or least) elements of windows that lie in several rows, as in pooling. A task is a row of results: what
// is greatest in each column of its windows is kept in scratch memory, a vector of columns at a time, and then combined
// along the row. So each row is read once a task, in whole vectors, and 3 x 3 windows take four steps instead of eight.
// That the order is another does not show: such ops give the same bits in any (`idempotent` in their records).
#include "codegen/evaluate/ScalarBodies.h"
#include "codegen/schedule/Schedule.h"

#include "ir/OpAccess.h"

#include <set>

using namespace mlir;

namespace weft {
namespace {

// A tree of such ops over the elements of windows: slices of one tensor that differ in where they start.
struct Windows {
  Operation *op; // the last one
  Value source;
  Operation *slice; // one of them
  std::set<std::vector<int64_t>> rows;
  std::set<int64_t> columns;
};

class WindowRows {
public:
  WindowRows(Lowering &lowering, const Group &group, const Sizes &shape)
      : lowering(lowering), group(group), shape(shape), last(int(shape.size()) - 1), inputs(lowering.inputs(group)),
        kernel(lowering, group), k(kernel.k) {}
  bool find();
  void run(llvm::function_ref<void(Kernel &, const Point &)> body);

private:
  bool collect(Value value, Windows &windows, llvm::DenseSet<Operation *> &seen, size_t &leaves);
  Scalar combined(const Windows &windows, Scalar a, Scalar b);
  Value greatestOfColumns(const Windows &windows, Value row);
  void keep(const Windows &windows, Value row);

  Lowering &lowering;
  const Group &group;
  const Sizes &shape;
  int last; // the last axis
  llvm::DenseMap<Value, Storage> inputs;
  Kernel kernel;
  KernelBuilder &k;
  std::vector<Windows> found;
};

} // namespace

// Whether the value is a tree of windows.op's like over slices of one tensor, which are added to `windows`.
bool WindowRows::collect(Value value, Windows &windows, llvm::DenseSet<Operation *> &seen, size_t &leaves) {
  Operation *op = inputs.count(value) ? nullptr : value.getDefiningOp();
  if (!op)
    return false;
  if (kindOf(op) == kindOf(windows.op)) {
    seen.insert(op);
    return llvm::all_of(op->getOperands(), [&](Value v) { return collect(v, windows, seen, leaves); });
  }
  if (kindOf(op) != OpKind::Slice || (windows.slice && (op->getOperand(0) != windows.source ||
                                                        intsAttr(op, "steps") != intsAttr(windows.slice, "steps"))))
    return false;
  windows.source = op->getOperand(0), windows.slice = op;
  std::vector<int64_t> starts = intsAttr(op, "starts");
  if (llvm::any_of(starts, isSymbol))
    return false;
  windows.columns.insert(starts.back());
  starts.pop_back();
  windows.rows.insert(starts);
  ++leaves;
  return true;
}

bool WindowRows::find() {
  if (last < 1 || lowering.estimate(shape.back()) < lowering.model.shortLane)
    return false;
  llvm::DenseSet<Operation *> seen;
  for (Operation *op : llvm::reverse(group.ops)) {
    if (!hasRecord(op) || !infoOf(op).traits.idempotent || seen.contains(op) || sizesOf(op->getResult(0)) != shape)
      continue;
    Windows windows{op, {}, nullptr, {}, {}};
    size_t leaves = 0;
    if (collect(op->getResult(0), windows, seen, leaves) && windows.rows.size() > 1 && windows.columns.size() > 1 &&
        leaves == windows.rows.size() * windows.columns.size() &&
        lowering.estimate(sizesOf(windows.source).back()) <= lowering.model.rowScratch)
      found.push_back(std::move(windows));
  }
  return !found.empty();
}

Scalar WindowRows::combined(const Windows &windows, Scalar a, Scalar b) {
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist({a.value, b.value});
  Type element = elementType(windows.source);
  Scalar result = buildScalar(kindOf(windows.op), {a, b}, attrsOf(windows.op), computeType(element));
  return kernel.e.scalar(result.value, element);
}

// Of the windows of a row of results, for each column of the tensor; in scratch memory.
Value WindowRows::greatestOfColumns(const Windows &windows, Value row) {
  Size length = sizesOf(windows.source).back();
  Value memory = k.scratch(length, computeType(elementType(windows.source)));
  std::vector<int64_t> steps = intsAttr(windows.slice, "steps");
  Point outer = cut(k, {{0, last, row}}, shape, ownBoundaries(windows.slice) & allBoundaries(last));
  k.loop(k.index(0), k.size(length), true, [&](Value column) {
    std::optional<Scalar> greatest;
    for (const std::vector<int64_t> &starts : windows.rows) {
      Point point = outer;
      for (Segment &segment : point)
        if (segment.count == 1)
          segment.index = k.add(k.mul(segment.index, k.index(steps[segment.first])), k.index(starts[segment.first]));
      point.push_back({last, 1, column});
      Scalar element = kernel.e.evaluate(windows.source, point);
      greatest = greatest ? combined(windows, *greatest, element) : element;
    }
    k.store(greatest->value, memory, column);
  });
  return memory;
}

void WindowRows::keep(const Windows &windows, Value row) {
  Value memory = greatestOfColumns(windows, row);
  Value step = k.index(intsAttr(windows.slice, "steps").back());
  kernel.e.override(windows.op->getResult(0), [this, &windows, row, memory, step](const Point &point) -> Value {
    Point parts = cut(k, point, shape, boundary(last));
    Value lane = parts.back().index;
    parts.pop_back();
    if (!k.reaches(row) || linear(k, parts, shape) != row)
      return {};
    std::optional<Scalar> greatest;
    for (int64_t start : windows.columns) {
      Value index = k.add(k.mul(lane, step), k.index(start));
      OpBuilder::InsertionGuard guard(k.builder);
      k.hoist({index, row});
      Value loaded = kernel::LoadOp::create(k.builder, k.location, memory, index);
      Scalar element = kernel.e.scalar(loaded, elementType(windows.source));
      greatest = greatest ? combined(windows, *greatest, element) : element;
    }
    return greatest->value;
  });
}

void WindowRows::run(llvm::function_ref<void(Kernel &, const Point &)> body) {
  k.loop(k.begin, k.end, false, [&](Value row) {
    for (const Windows &windows : found)
      keep(windows, row);
    k.loop(k.index(0), k.size(shape.back()), true,
           [&](Value lane) { body(kernel, {{0, last, row}, {last, 1, lane}}); });
  });
  lowering.finish(kernel, group, product(shape, 0, last),
                  lowering.model.grain(lowering.estimate(shape.back()), groupCost(lowering, group)));
}

bool scheduleWindows(Lowering &lowering, const Group &group, const Sizes &shape,
                     llvm::function_ref<void(Kernel &, const Point &)> body) {
  if (lowering.target.gpu)
    return false;
  WindowRows rows(lowering, group, shape);
  if (!rows.find())
    return false;
  rows.run(body);
  return true;
}

} // namespace weft
