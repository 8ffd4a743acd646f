// A reduction by itself. A long one over trailing axes is done in two steps, blocks in parallel and then their
// results, which is the canonical order; one over axes with others behind them is read row by row (ScheduleColumn.cpp);
// everything else is a loop over the results.
#include "codegen/schedule/Schedule.h"
#include "ir/kernel/CanonicalOrder.h"

using namespace mlir;

namespace weft {

using order::kBlock;

// Whether images that lie channels last are reduced to their channels.
static bool isOfChannels(Lowering &lowering, const Group &group, const Sizes &shape, const std::vector<int64_t> &dims) {
  if (lowering.target.gpu || shape.size() < 3 || dims.size() != shape.size() - 1 || dims.front() != 0 || dims[1] != 2)
    return false;
  return llvm::any_of(lowering.inputs(group),
                      [&](const auto &input) { return input.second.isChannelsLast() && input.second.shape == shape; });
}

void scheduleReduction(Lowering &lowering, const Group &group) {
  Operation *op = group.results.front().getDefiningOp();
  Value operand = op->getOperand(0);
  Sizes shape = sizesOf(operand);
  int rank = int(shape.size()), outer = rank - int(intsAttr(op, "dims").size());
  std::vector<int64_t> dims = intsAttr(op, "dims");
  bool trailing = !dims.empty() && dims.front() == outer && dims.back() == rank - 1;
  bool isRun = !dims.empty() && dims.back() - dims.front() + 1 == int64_t(dims.size());
  Size rows = product(shape, 0, outer), length = product(shape, outer, rank);
  std::string kind = reductionKind(op, elementType(operand));
  if (isRun && !trailing && !StringRef(kind).starts_with("arg") && !product(shape, int(dims.back()) + 1, rank).is(1))
    return scheduleColumn(lowering, group);
  if (isOfChannels(lowering, group, shape, dims) && !StringRef(kind).starts_with("arg"))
    return scheduleColumn(lowering, group);
  if (trailing && scheduleShortRows(lowering, group, shape, outer))
    return;
  auto blocks = ceilDivide(length, kBlock);
  int64_t fewRows = lowering.target.gpu ? lowering.model.multiprocessors : lowering.model.fewRows;
  bool isLong = length.isStatic() ? length.constant >= lowering.model.longRow : true;
  if (!trailing || !isLong || !blocks || rows.is(0) || lowering.estimate(rows) > fewRows ||
      StringRef(kind).starts_with("arg"))
    return scheduleLoop(lowering, group);

  Type type = reducedType(op);
  Storage partial = lowering.temporary({rows, *blocks}, type);
  {
    Kernel kernel(lowering, group);
    KernelBuilder &k = kernel.k;
    kernel.suffix = "_blocks";
    k.loop(k.begin, k.end, false, [&](Value task) {
      Value row, block;
      std::tie(row, block) = k.split(task, *blocks);
      Value base = k.mul(block, k.index(kBlock));
      Value count = k.min(k.index(kBlock), k.sub(k.size(length), base));
      Value total = k.reduce(kind, count, type, [&](Value i) {
        Point point;
        if (outer)
          point.push_back({0, outer, row});
        point.push_back({outer, rank - outer, k.add(base, i)});
        return reducedElement(op, kernel.e.evaluate(operand, point));
      });
      kernel.store(kernel.e.scalar(total, type), partial, {{0, 2, task}});
    });
    lowering.finish(kernel, group, rows * *blocks, lowering.model.grain(kBlock, groupCost(lowering, group)));
  }
  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  kernel.suffix = "_of_blocks";
  k.loop(k.begin, k.end, false, [&](Value row) {
    row = rows.is(1) ? k.index(0) : row;
    Value total = k.reduce(kind, k.size(*blocks), type,
                           [&](Value block) { return kernel.e.load(partial, {{0, 1, row}, {1, 1, block}}).value; });
    const Storage &result = lowering.result(group, 0);
    Point at = outer ? Point{{0, outer, row}} : Point{};
    Sizes kept(shape.begin(), shape.begin() + outer);
    kernel.store(kernel.e.reduced(op, total), result, reshaped(k, at, kept, result.shape));
  });
  lowering.finish(kernel, group, rows, 1);
}

} // namespace weft
