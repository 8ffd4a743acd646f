// An op that a library's function computes: one step, whose tasks are the batches. What the function is told of its
// operands and results, runtime/extern/Extern.h says.
#include "codegen/schedule/Schedule.h"
#include "ir/GraphIR.h"
#include "runtime/extern/Extern.h"

#include <cstring>

using namespace mlir;

namespace weft {

Storage inOrder(Lowering &lowering, const Group &group, Value value, const Storage &storage) {
  if (storage.offset.is(0) && storage.strides == rowMajorStrides(storage.shape))
    return storage;
  Storage copy = lowering.temporary(storage.shape, storage.type);
  Kernel kernel(lowering, group);
  kernel.suffix = "_operand";
  KernelBuilder &k = kernel.k;
  int rank = int(storage.shape.size());
  Size count = product(storage.shape);
  k.loop(k.begin, k.end, !count.is(1), [&](Value i) {
    Point at = cut(k, {{0, rank, i}}, storage.shape, allBoundaries(rank));
    kernel.store(kernel.e.evaluate(value, at), copy, {{0, rank, i}});
  });
  lowering.finish(kernel, group, count, lowering.model.grain(1, 8));
  return copy;
}

static_assert(int(DType::Bool) == WEFT_BOOL && int(DType::Int32) == WEFT_INT32 && int(DType::Float64) == WEFT_FLOAT64,
              "the functions know dtypes by the numbers of ir/DType.h");

static int64_t scalarOf(const Attr &attr) {
  int64_t value = attr.i;
  if (attr.kind == Attr::Kind::Float)
    std::memcpy(&value, &attr.f, sizeof value);
  return value;
}

void scheduleExtern(Lowering &lowering, const Group &group) {
  Operation *op = group.ops.back();
  const OpInfo &record = infoOf(op);
  PlannedStep step;
  step.kernel = record.traits.externFunction;
  step.isExtern = true;
  step.location = stepLocation(group);
  auto add = [&](Value value, const Storage &storage, int core) {
    step.buffers.push_back(storage.planBuffer);
    step.scalars.push_back(int64_t(dtypeOf(value)));
    for (size_t axis = storage.shape.size() - size_t(core); axis < storage.shape.size(); ++axis)
      step.scalars.push_back(storage.shape[axis].extent());
  };
  llvm::DenseMap<Value, Storage> inputs = lowering.inputs(group);
  Sizes batches = inputs.find(op->getOperand(0))->second.shape;
  batches.resize(batches.size() - size_t(record.traits.coreAxes));
  // Others than the first operand may have more axes than the core or fewer: a list or a number for each batch.
  auto coreOf = [&](const Storage &storage) { return int(storage.shape.size() - batches.size()); };
  for (Value operand : op->getOperands()) {
    Storage storage = inOrder(lowering, group, operand, inputs.find(operand)->second);
    add(operand, storage, coreOf(storage));
    step.reads.insert(storage.planBuffer);
  }
  for (auto [index, value] : llvm::enumerate(group.results)) {
    const Storage &storage = lowering.result(group, index);
    add(value, storage, coreOf(storage));
    step.writes.insert(storage.planBuffer);
  }
  for (const Attr &attr : attrsOf(op))
    step.scalars.push_back(scalarOf(attr));
  if (record.traits.cutsBatches)
    batches.push_back(Size(attrsOf(op).back().i));
  step.grid = product(batches).extent();
  step.grain = record.traits.batchesTogether;
  lowering.steps.push_back(std::move(step));
}

} // namespace weft
