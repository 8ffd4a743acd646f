// Sums of the rows that bags of indices name: a task is a bag, the lanes are a strip of the rows, whose sums stay in
// scratch memory while the bag's indices are gone through in order.
#include "codegen/schedule/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {

void scheduleSegments(Lowering &lowering, const Group &group) {
  Operation *op = group.ops.back();
  const Storage &result = lowering.result(group, 0);
  Size bags = result.shape[0], width = result.shape[1];
  if (bags.is(0) || width.is(0))
    return;
  llvm::DenseMap<Value, Storage> inputs = lowering.inputs(group);
  std::vector<Storage> operands;
  for (Value operand : op->getOperands())
    operands.push_back(inOrder(lowering, group, operand, inputs.find(operand)->second));
  const Storage &weight = operands[0], &index = operands[1], &offsets = operands[2];
  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  kernel.mayRunInPlace = false;
  constexpr int64_t kRows = 4;
  const int64_t strip = lowering.model.scatterTile;
  Type type = computeType(result.type);
  Value sums = k.scratch(strip, type), count = k.size(index.shape[0]), columns = k.size(width);
  auto position = [&](const Storage &storage, Value at) -> Value {
    Value loaded = kernel.e.load(storage, {{0, 1, at}}).value;
    return arith::IndexCastOp::create(k.builder, k.location, k.builder.getIndexType(), loaded);
  };
  auto over = [&](Value lanes, llvm::function_ref<void(Value)> body) { k.loop(k.index(0), lanes, true, body); };
  auto sum = [&](Value lane) {
    return kernel.e.scalar(kernel::LoadOp::create(k.builder, k.location, sums, lane), result.type);
  };
  k.loop(k.begin, k.end, false, [&](Value bag) {
    Value next = k.add(bag, k.index(1)), last = k.sub(k.size(bags), k.index(1));
    Value end = k.pick(k.less(bag, last), position(offsets, k.min(next, last)), count);
    end = k.min(end, count);
    Value begin = k.min(position(offsets, bag), end);
    k.loop(k.index(0), k.div(k.add(columns, k.index(strip - 1)), k.index(strip)), false, [&](Value number) {
      Value first = k.mul(number, k.index(strip)), lanes = k.min(k.index(strip), k.sub(columns, first));
      Value zero = kernel.e.constantZero(type);
      over(lanes, [&](Value lane) { k.store(zero, sums, lane); });
      // Several rows at a time, so that the processor waits for many at once.
      auto addRows = [&](Value i, int64_t rows) {
        SmallVector<Value> at, inside;
        for (int64_t j = 0; j < rows; ++j) {
          at.push_back(position(index, k.add(i, k.index(j))));
          inside.push_back(k.less(at.back(), k.size(weight.shape[0]))); // one outside adds zeros
        }
        over(lanes, [&](Value lane) {
          Scalar total = sum(lane);
          for (int64_t j = 0; j < rows; ++j) {
            Scalar element = kernel.e.load(weight, {{0, 1, at[j]}, {1, 1, k.add(first, lane)}}, inside[j]);
            if (operands.size() > 3)
              element = element * kernel.e.load(operands[3], {{0, 1, k.add(i, k.index(j))}});
            total = total + element;
          }
          k.store(total.value, sums, lane);
        });
      };
      Value groups = k.div(k.sub(end, begin), k.index(kRows));
      k.loop(k.index(0), groups, false,
             [&](Value group) { addRows(k.add(begin, k.mul(group, k.index(kRows))), kRows); });
      k.loop(k.add(begin, k.mul(groups, k.index(kRows))), end, false, [&](Value i) { addRows(i, 1); });
      over(lanes, [&](Value lane) {
        kernel.store(kernel.e.rounded(sum(lane), result.type), result, {{0, 1, bag}, {1, 1, k.add(first, lane)}});
      });
    });
  });
  constexpr int64_t kTypicalBag = 16;
  lowering.finish(kernel, group, bags, lowering.model.grain(kTypicalBag * lowering.estimate(width), 1));
}

} // namespace weft
