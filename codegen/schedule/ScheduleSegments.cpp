// Sums of the rows that bags of indices name: a task is a bag, the lanes are a strip of the rows, whose sums stay in
// scratch memory while the bag's indices are gone through in order.
#include "codegen/schedule/Schedule.h"

#include "ir/kernel/Prefetch.h"

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
  constexpr int64_t kRows = 4, kRowsAhead = 32, kNarrow = 16;
  const int64_t strip = lowering.model.scatterTile;
  Type type = computeType(result.type);
  Value sums = k.scratch(strip, type), count = k.size(index.shape[0]), columns = k.size(width);
  auto position = [&](const Storage &storage, Value at) -> Value {
    Value loaded = kernel.e.load(storage, {{0, 1, at}}).value;
    return arith::IndexCastOp::create(k.builder, k.location, k.builder.getIndexType(), loaded);
  };
  const bool isColumn = width.is(1) && !lowering.target.gpu; // scalars then, not vectors with a lane
  auto over = [&](Value lanes, llvm::function_ref<void(Value)> body) {
    isColumn ? body(k.index(0)) : k.loop(k.index(0), lanes, true, body);
  };
  auto sum = [&](Value lane) {
    return kernel.e.scalar(kernel::LoadOp::create(k.builder, k.location, sums, lane), result.type);
  };
  // Rows of some cache lines are asked for ahead of time: where bags begin and end is nothing that the processor
  // guesses.
  Value isNarrow = k.less(columns, k.index(kNarrow)), isWide = k.less(k.index(kNarrow - 1), columns);
  Type stored = storageType(weight.type);
  auto prefetch = [&](Value row, Value column) {
    Value place = linear(k, {{0, 1, row}, {1, 1, column}}, weight.shape);
    auto load = kernel::LoadOp::create(k.builder, k.location, stored, k.buffer(weight.planBuffer, stored), place,
                                       Value(), Value());
    load->setAttr(kernel::kPrefetch, k.builder.getUnitAttr());
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
      auto addRows = [&](Value i, ArrayRef<Value> rows, ArrayRef<Value> later, Value inside) {
        SmallVector<Scalar> factors;
        for (size_t j = 0; j < rows.size() && operands.size() > 3; ++j)
          factors.push_back(kernel.e.load(operands[3], {{0, 1, k.add(i, k.index(int64_t(j)))}}));
        over(lanes, [&](Value lane) {
          Scalar total = sum(lane);
          for (size_t j = 0; j < rows.size(); ++j) {
            Scalar element = kernel.e.load(weight, {{0, 1, rows[j]}, {1, 1, k.add(first, lane)}}, inside);
            total = total + (factors.empty() ? element : element * factors[j]);
          }
          k.store(total.value, sums, lane);
          for (Value row : later)
            prefetch(row, k.add(first, lane));
        });
      };
      auto isInside = [&](Value row) { return k.less(row, k.size(weight.shape[0])); };
      auto addOne = [&](Value i) {
        Value row = position(index, i);
        addRows(i, row, {}, isInside(row)); // one outside adds zeros
      };
      // Several rows at a time, and without a question for each, so that the processor sees far ahead and waits for
      // many at once.
      Value groups = k.div(k.sub(end, begin), k.index(kRows));
      k.loop(k.index(0), groups, false, [&](Value group) {
        Value i = k.add(begin, k.mul(group, k.index(kRows))), all;
        SmallVector<Value> rows;
        for (int64_t j = 0; j < kRows; ++j) {
          rows.push_back(position(index, k.add(i, k.index(j))));
          all = k.both(all, isInside(rows.back()));
        }
        auto where = [&](Value condition, llvm::function_ref<void(Value)> body) {
          k.loop(k.index(0), k.pick(condition, k.index(1), k.index(0)), false, body);
        };
        where(k.both(all, isWide), [&](Value) {
          SmallVector<Value> later;
          for (int64_t j = 0; j < kRows && !lowering.target.gpu; ++j)
            later.push_back(position(index, k.min(k.add(i, k.index(j + kRowsAhead)), k.sub(count, k.index(1)))));
          addRows(i, rows, later, {});
        });
        where(k.both(all, isNarrow), [&](Value) { addRows(i, rows, {}, {}); });
        k.loop(k.index(0), k.pick(all, k.index(0), k.index(kRows)), false, [&](Value j) { addOne(k.add(i, j)); });
      });
      k.loop(k.add(begin, k.mul(groups, k.index(kRows))), end, false, addOne);
      over(lanes, [&](Value lane) {
        kernel.store(kernel.e.rounded(sum(lane), result.type), result, {{0, 1, bag}, {1, 1, k.add(first, lane)}});
      });
    });
  });
  constexpr int64_t kTypicalBag = 16;
  lowering.finish(kernel, group, bags, lowering.model.grain(kTypicalBag * lowering.estimate(width), 1));
}

} // namespace weft
