// scatter_add and its like: a copy of the input, then additions; scatter: then writes. Along the indexed axis they run
// in the order of the source; everything across it is independent. Where a position is that of a whole row of what lies
// behind the axis (the gradient of an embedding), a task owns some rows of the result: it copies them, goes through all
// positions, and adds where one is its own, while they are in the cache. So does a task of a vector's, but finds its
// own positions a block at a time, as nothing says of one whether it is. Else a task is a tile of what lies behind the
// axis.
#include "codegen/schedule/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <algorithm>

using namespace mlir;

namespace weft {

namespace {

class ScatterSchedule {
public:
  ScatterSchedule(Lowering &lowering, const Group &group);
  void run();

private:
  bool takesWholeRows();
  void copy();
  void byTiles();
  void byRows();
  std::optional<Size> ranges();
  int64_t leastRange();
  void byRanges();
  // Of the source or, with i in the result's axis, of the result.
  Point at(Value before, Value i, Value behind);
  Value position(const Point &point);
  void put(const Point &point, Value position, Value inside);

  Lowering &lowering;
  const Group &group;
  Value input, positions, source;
  const Storage result;
  Sizes shape, into; // of the source and the result
  int rank, dim;
  OpKind op; // how elements are combined
  Size outer, inner;
  Kernel kernel;
  KernelBuilder &k;
};

} // namespace

ScatterSchedule::ScatterSchedule(Lowering &lowering, const Group &group)
    : lowering(lowering), group(group), result(lowering.result(group, 0)), kernel(lowering, group), k(kernel.k) {
  Operation *scatter = group.results.front().getDefiningOp();
  input = scatter->getOperand(0), positions = scatter->getOperand(1), source = scatter->getOperand(2);
  shape = sizesOf(source), into = result.shape;
  rank = int(shape.size()), dim = int(intAttr(scatter, "dim"));
  op = kindOf(scatter);
  outer = product(shape, 0, dim), inner = product(shape, dim + 1, rank);
}

bool ScatterSchedule::takesWholeRows() {
  if (lowering.estimate(inner) < lowering.model.shortLane)
    return false;
  std::optional<Storage> view = stridedView(positions, lowering.inputs(group));
  for (int axis = 0; axis < rank; ++axis)
    if (axis != dim && (shape[axis] != into[axis] || (axis > dim && (!view || !view->strides[axis].is(0)))))
      return false;
  return true;
}

Point ScatterSchedule::at(Value before, Value i, Value behind) {
  Point point;
  if (dim)
    point.push_back({0, dim, before});
  point.push_back({dim, 1, i});
  if (dim + 1 < rank)
    point.push_back({dim + 1, rank - dim - 1, behind});
  return point;
}

Value ScatterSchedule::position(const Point &point) {
  Scalar position = kernel.e.evaluate(positions, point);
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist({position.value});
  return arith::IndexCastOp::create(k.builder, k.location, k.builder.getIndexType(), position.value);
}

// Named: the ops differ in this alone.
static Scalar combined(OpKind op, Scalar old, Scalar element) {
  switch (op) {
  case OpKind::ScatterProd:
    return old * element;
  case OpKind::ScatterAmax:
    return maximum(old, element);
  case OpKind::ScatterAmin:
    return minimum(old, element);
  default:
    return old + element;
  }
}

// Combines the source's element with the result's, or writes it, where `inside` is true (null: always).
void ScatterSchedule::put(const Point &point, Value position, Value inside) {
  Scalar element = kernel.e.evaluate(source, point);
  Boundaries wanted = 0; // where the source is smaller than the result, and around the indexed axis
  for (int axis = 0; axis < rank; ++axis)
    if (axis == dim || shape[axis] != into[axis])
      wanted |= boundary(axis) | boundary(axis + 1);
  Point target = cut(k, point, shape, wanted & allBoundaries(rank));
  for (Segment &segment : target)
    if (segment.first == dim)
      segment.index = position;
  Type type = storageType(result.type);
  Value memory = k.buffer(result.planBuffer, type), place = linear(k, target, into);
  if (op == OpKind::Scatter) {
    kernel::StoreOp::create(k.builder, k.location, kernel.e.toMemory(element, result.type), memory, place, inside);
    return;
  }
  Value otherwise = inside ? kernel.e.constantZero(type) : Value();
  Value old = kernel::LoadOp::create(k.builder, k.location, type, memory, place, inside, otherwise);
  if (type != computeType(result.type))
    old = arith::ExtFOp::create(k.builder, k.location, computeType(result.type), old);
  Scalar sum = kernel.e.rounded(combined(op, kernel.e.scalar(old, result.type), element), result.type);
  kernel::StoreOp::create(k.builder, k.location, kernel.e.toMemory(sum, result.type), memory, place, inside);
}

void ScatterSchedule::copy() {
  Kernel kernel(lowering, group);
  kernel.suffix = "_copy";
  kernel.k.loop(kernel.k.begin, kernel.k.end, !product(into).is(1), [&](Value i) {
    Point at = rank ? Point{{0, rank, i}} : Point{};
    kernel.store(kernel.e.evaluate(input, at), result, at);
  });
  lowering.finish(kernel, group, product(into), lowering.model.grain(1, 1));
}

void ScatterSchedule::byTiles() {
  kernel.mayRunInPlace = false;
  kernel.e.reads.push_back({result.planBuffer, Value()});
  kernel.writes.push_back({result.planBuffer, Value()});
  auto tiles = ceilDivide(inner, lowering.model.scatterTile);
  k.loop(k.begin, k.end, false, [&](Value task) {
    Value before = outer.is(1) ? k.index(0) : task, first = k.index(0), last = k.size(inner);
    if (tiles) {
      Value tile = task;
      if (!outer.is(1))
        std::tie(before, tile) = k.split(task, *tiles);
      first = k.mul(tile, k.index(lowering.model.scatterTile));
      last = k.min(k.add(first, k.index(lowering.model.scatterTile)), last);
    }
    k.loop(k.index(0), k.size(shape[dim]), false, [&](Value i) {
      auto addOne = [&](Value behind) {
        Point point = at(before, i, behind);
        Value position = this->position(point);
        put(point, position, k.less(position, k.size(into[dim])));
      };
      if (inner.is(1))
        addOne(k.index(0));
      else
        k.loop(first, last, true, addOne);
    });
  });
  lowering.finish(kernel, group, tiles ? outer * *tiles : outer,
                  lowering.model.grain(lowering.estimate(shape[dim]) *
                                           (tiles ? lowering.model.scatterTile : lowering.estimate(inner)),
                                       4));
}

void ScatterSchedule::byRows() {
  Size parts(
      lowering.model.scatterParts(lowering.estimate(into[dim]), lowering.estimate(inner), lowering.target.level2Bytes));
  k.loop(k.begin, k.end, false, [&](Value task) {
    Value before, part;
    std::tie(before, part) = k.split(task, parts);
    Value all = k.size(into[dim]), rows = k.div(k.add(all, k.index(parts.constant - 1)), k.size(parts));
    Value begin = k.min(k.mul(part, rows), all), end = k.min(k.add(begin, rows), all);
    k.loop(begin, end, false, [&](Value row) {
      k.loop(k.index(0), k.size(inner), true, [&](Value behind) {
        kernel.store(kernel.e.evaluate(input, at(before, row, behind)), result, at(before, row, behind));
      });
    });
    k.loop(k.index(0), k.size(shape[dim]), false, [&](Value i) {
      Value position = this->position(at(before, i, k.index(0)));
      Value own = k.less(k.sub(position, begin), k.sub(end, begin)); // unsigned: one branch, seldom taken
      k.loop(k.index(0), k.pick(own, k.index(1), k.index(0)), false, [&](Value) {
        k.loop(k.index(0), k.size(inner), true, [&](Value behind) { put(at(before, i, behind), position, {}); });
      });
    });
  });
  int64_t rows = (lowering.estimate(shape[dim]) + lowering.estimate(into[dim])) / parts.constant;
  lowering.finish(kernel, group, outer * parts, lowering.model.grain(rows * lowering.estimate(inner), 4));
}

// Of which there is one at least; nothing where it is not known how many, or there is something around the axis.
std::optional<Size> ScatterSchedule::ranges() {
  if (rank != 1 || lowering.target.gpu)
    return std::nullopt;
  return ceilDivide(into[0], leastRange());
}

int64_t ScatterSchedule::leastRange() {
  return lowering.model.scatterRangeBytes * 8 / storageType(result.type).getIntOrFloatBitWidth();
}

void ScatterSchedule::byRanges() {
  constexpr int64_t kBlock = 1024;
  kernel.mayRunInPlace = false;
  kernel.e.reads.push_back({result.planBuffer, Value()});
  kernel.writes.push_back({result.planBuffer, Value()});
  Type place = k.builder.getI64Type(), number = k.builder.getI32Type(), index = k.builder.getIndexType();
  Value places = k.scratch(kBlock, place), flags = k.scratch(kBlock, k.builder.getI1Type()),
        numbers = k.scratch(kBlock + kernel::CompactOp::kPastEnd, number);
  auto cast = [&](Type to, Value x) -> Value { return arith::IndexCastOp::create(k.builder, k.location, to, x); };
  auto read = [&](Value memory, Value i) -> Value {
    return cast(index, kernel::LoadOp::create(k.builder, k.location, memory, i));
  };
  const int64_t least = leastRange(), most = lowering.model.scatterRanges;
  Value all = k.size(into[dim]), count = k.size(shape[dim]);
  Value range = k.max(k.index(least), k.div(k.add(all, k.index(most - 1)), k.index(most)));
  Value begin = k.min(k.mul(k.begin, range), all), end = k.min(k.mul(k.end, range), all), own = k.sub(end, begin);
  Value isPart = k.less(own, all);
  k.loop(k.index(0), k.pick(isPart, k.index(0), count), false, [&](Value i) {
    Value position = this->position(at({}, i, {}));
    put(at({}, i, {}), position, k.less(position, all));
  });
  Value blocks = k.div(k.add(count, k.index(kBlock - 1)), k.index(kBlock));
  k.loop(k.index(0), k.pick(isPart, blocks, k.index(0)), false, [&](Value block) {
    Value first = k.mul(block, k.index(kBlock)), size = k.min(k.index(kBlock), k.sub(count, first));
    k.loop(k.index(0), size, true, [&](Value i) {
      Value position = this->position(at({}, k.add(first, i), {}));
      k.store(cast(place, position), places, i);
      k.store(k.less(k.sub(position, begin), own), flags, i);
    });
    Value kept = kernel::CompactOp::create(k.builder, k.location, index, flags, size, numbers);
    k.loop(k.index(0), kept, false, [&](Value i) {
      Value which = read(numbers, i);
      put(at({}, k.add(first, which), {}), read(places, which), {});
    });
  });
  lowering.finish(kernel, group, *ranges(), 1);
}

void ScatterSchedule::run() {
  if (product(into).is(0))
    return;
  if (takesWholeRows())
    return byRows();
  copy();
  if (product(shape).is(0))
    return;
  ranges() ? byRanges() : byTiles();
}

void scheduleScatter(Lowering &lowering, const Group &group) { ScatterSchedule(lowering, group).run(); }

} // namespace weft
