// Elementwise work over one iteration space. Where nothing needs an axis of its own the loop is flat and a task is an
// element, or a block of them where a mask for the ends of tasks would cost time and all blocks are whole; else the
// trailing axes that act as one are the lanes and a task is one index of the others. Where all axes but a last one of a
// few elements act as one, as in pairs, they are the lanes and each takes all elements of that last one.
#include "codegen/schedule/Schedule.h"

using namespace mlir;

namespace weft {

// Where all results lie channels last: a task is a pixel, whose channels are the lanes.
static void schedulePixels(Lowering &lowering, const Group &group, const Sizes &shape,
                           llvm::function_ref<void(Kernel &kernel, const Point &point)> body) {
  int rank = int(shape.size());
  Size pixels = product(shape, 2, rank);
  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  k.loop(k.begin, k.end, false, [&](Value task) {
    auto [image, pixel] = k.split(task, pixels);
    k.loop(k.index(0), k.size(shape[1]), true, [&, image = image, pixel = pixel](Value channel) {
      body(kernel, {{0, 1, image}, {1, 1, channel}, {2, rank - 2, pixel}});
    });
  });
  lowering.finish(kernel, group, shape[0] * pixels,
                  lowering.model.grain(lowering.estimate(shape[1]), groupCost(lowering, group)));
}

void scheduleLoop(Lowering &lowering, const Group &group) {
  Sizes shape = sizesOf(group.results.front());
  int rank = int(shape.size());
  Size count = product(shape);
  if (count.is(0))
    return;
  auto inputs = lowering.inputs(group);
  Boundaries wanted = 0;
  bool lane = !count.is(1);
  for (Value result : group.results)
    wanted |= reshapedBoundaries(shape, sizesOf(result), wantedBoundaries(result, inputs));
  for (Operation *op : group.ops) // a reduction over trailing axes fills the lanes itself
    if (familyOf(op) == OpFamily::Reduction)
      lane &= intsAttr(op, "dims").back() + 1 != int64_t(sizesOf(op->getOperand(0)).size());

  // All results are evaluated before the first is stored: a result may take the place of an input.
  auto evaluateAll = [&](Kernel &kernel, ArrayRef<Point> points) {
    KernelBuilder &k = kernel.k;
    SmallVector<Scalar> results;
    for (const Point &point : points)
      for (Value result : group.results)
        results.push_back(kernel.e.evaluate(result, reshaped(k, point, shape, sizesOf(result))));
    for (auto [n, result] : llvm::enumerate(results)) {
      const Point &point = points[n / group.results.size()];
      unsigned i = unsigned(n % group.results.size());
      kernel.store(result, lowering.result(group, i), reshaped(k, point, shape, lowering.result(group, i).shape));
    }
  };
  auto evaluate = [&](Kernel &kernel, const Point &point) { evaluateAll(kernel, {point}); };
  bool byPixels = lane && !lowering.target.gpu;
  for (size_t i = 0; i < group.results.size(); ++i)
    byPixels &= lowering.result(group, i).shape == shape && lowering.result(group, i).isChannelsLast();
  if (byPixels)
    return schedulePixels(lowering, group, shape, evaluate);
  if (scheduleTransposed(lowering, group, shape, wanted, evaluate) || scheduleWindows(lowering, group, shape, evaluate))
    return;
  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  auto body = [&](const Point &point) { evaluate(kernel, point); };

  constexpr int64_t kFewElements = 4;
  Boundaries outerBoundaries = 0;
  for (int axis = 1; axis + 1 < rank; ++axis)
    outerBoundaries |= boundary(axis);
  if (lane && !lowering.target.gpu && rank > 1 && (wanted & boundary(rank - 1)) && !(wanted & outerBoundaries) &&
      shape.back().isStatic() && shape.back().constant <= kFewElements) {
    k.loop(k.begin, k.end, true, [&](Value i) {
      SmallVector<Point> points;
      for (int64_t j = 0; j < shape.back().constant; ++j)
        points.push_back({{0, rank - 1, i}, {rank - 1, 1, k.index(j)}});
      evaluateAll(kernel, points);
    });
    int64_t cost = groupCost(lowering, group) * shape.back().constant;
    lowering.finish(kernel, group, product(shape, 0, rank - 1), lowering.model.grain(1, cost));
    return;
  }

  int inner = rank; // where the lanes' axes begin
  do {
    --inner;
    while (inner > 0 && !(wanted & boundary(inner)))
      --inner;
  } while (inner > 0 && lowering.estimate(product(shape, inner, rank)) < lowering.model.shortLane);
  int64_t cost = groupCost(lowering, group);
  bool flat = inner <= 0 || product(shape, 0, inner).is(1) || !lane;
  if (int64_t block = lowering.model.flatBlock; flat && lane && !lowering.target.gpu &&
                                                cost >= lowering.model.longBody && count.isStatic() &&
                                                count.constant % block == 0) {
    k.loop(k.begin, k.end, false, [&](Value task) {
      Value first = k.mul(task, k.index(block));
      k.loop(k.index(0), k.index(block), true, [&](Value i) { body({{0, rank, k.add(first, i)}}); });
    });
    lowering.finish(kernel, group, Size(count.constant / block), lowering.model.grain(block, cost));
    return;
  }
  if (flat) {
    k.loop(k.begin, k.end, lane,
           [&](Value i) { body(rank ? Point{{0, rank, count.is(1) ? k.index(0) : i}} : Point{}); });
    lowering.finish(kernel, group, count, lowering.model.grain(1, cost));
    return;
  }

  Size outerCount = product(shape, 0, inner), lanes = product(shape, inner, rank);
  auto blocks =
      outerCount.isStatic() && outerCount.constant < 64 && lowering.estimate(lanes) > 2 * lowering.model.laneBlock
          ? ceilDivide(lanes, lowering.model.laneBlock)
          : std::nullopt;
  k.loop(k.begin, k.end, false, [&](Value task) {
    Value outer = task, first = k.index(0), last = k.size(lanes);
    if (blocks) {
      Value block;
      std::tie(outer, block) = k.split(task, *blocks);
      first = k.mul(block, k.index(lowering.model.laneBlock));
      last = k.min(k.add(first, k.index(lowering.model.laneBlock)), last);
    }
    k.loop(first, last, true, [&](Value i) { body({{0, inner, outer}, {inner, rank - inner, i}}); });
  });
  Size grid = blocks ? outerCount * *blocks : outerCount;
  lowering.finish(kernel, group, grid,
                  lowering.model.grain(blocks ? lowering.model.laneBlock : lowering.estimate(lanes), cost));
}

} // namespace weft
