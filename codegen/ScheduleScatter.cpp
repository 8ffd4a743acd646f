// scatter_add: a copy of the input, then additions. Along the indexed axis they run in the order of the source;
// everything across it is independent.
#include "codegen/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {

void scheduleScatter(Lowering &lowering, const Group &group) {
  Operation *op = group.results.front().getDefiningOp();
  Value input = op->getOperand(0), positions = op->getOperand(1), source = op->getOperand(2);
  const Storage result = lowering.result(group, 0);
  Sizes shape = sizesOf(source), into = result.shape;
  int rank = int(shape.size()), dim = int(intAttr(op, "dim"));
  if (product(into).is(0))
    return;
  {
    Kernel kernel(lowering, group);
    kernel.suffix = "_copy";
    KernelBuilder &k = kernel.k;
    k.loop(k.begin, k.end, !product(into).is(1), [&](Value i) {
      Point at = rank ? Point{{0, rank, i}} : Point{};
      kernel.store(kernel.e.evaluate(input, at), result, at);
    });
    lowering.finish(kernel, group, product(into), lowering.model.grain(1, 1));
  }
  if (product(shape).is(0))
    return;

  Kernel kernel(lowering, group);
  kernel.mayRunInPlace = false;
  KernelBuilder &k = kernel.k;
  Size outer = product(shape, 0, dim), inner = product(shape, dim + 1, rank);
  auto tiles = ceilDivide(inner, lowering.model.scatterTile);
  Type type = storageType(result.type);
  Value memory = k.buffer(result.planBuffer, type);
  kernel.e.reads.push_back({result.planBuffer, Value()});
  kernel.writes.push_back({result.planBuffer, Value()});

  Boundaries wanted = 0; // where the source is smaller than the result, and around the indexed axis
  for (int axis = 0; axis < rank; ++axis)
    if (axis == dim || shape[axis] != into[axis])
      wanted |= boundary(axis) | boundary(axis + 1);
  wanted &= allBoundaries(rank);

  auto addOne = [&](const Point &point) {
    Scalar position = kernel.e.evaluate(positions, point), addend = kernel.e.evaluate(source, point);
    Value index;
    {
      OpBuilder::InsertionGuard guard(k.builder);
      k.hoist({position.value});
      index = arith::IndexCastOp::create(k.builder, k.location, k.builder.getIndexType(), position.value);
    }
    Value inside = k.less(index, k.size(into[dim]));
    Point target = cut(k, point, shape, wanted);
    for (Segment &segment : target)
      if (segment.first == dim)
        segment.index = index;
    Value at = linear(k, target, into);
    Value otherwise = kernel.e.constantZero(type);
    Value old = kernel::LoadOp::create(k.builder, k.location, type, memory, at, inside, otherwise);
    if (type != computeType(result.type))
      old = arith::ExtFOp::create(k.builder, k.location, computeType(result.type), old);
    Scalar sum = kernel.e.rounded(kernel.e.scalar(old, result.type) + addend, result.type);
    kernel::StoreOp::create(k.builder, k.location, kernel.e.toMemory(sum, result.type), memory, at, inside);
  };
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
      auto at = [&](Value behind) {
        Point point;
        if (dim)
          point.push_back({0, dim, before});
        point.push_back({dim, 1, i});
        if (dim + 1 < rank)
          point.push_back({dim + 1, rank - dim - 1, behind});
        return point;
      };
      if (inner.is(1))
        addOne(at(k.index(0)));
      else
        k.loop(first, last, true, [&](Value behind) { addOne(at(behind)); });
    });
  });
  Size grid = tiles ? outer * *tiles : outer;
  lowering.finish(
      kernel, group, grid,
      lowering.model.grain(shape[dim].estimate() * (tiles ? lowering.model.scatterTile : inner.estimate()), 4));
}

} // namespace weft
