#include "codegen/schedule/ContractionOperand.h"

using namespace mlir;

namespace weft {

// Where the tail of `axes` begins that is one axis by its strides.
static int mergedTail(const std::vector<int> &axes, const Storage &storage) {
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

static Size tailSize(const std::vector<int> &axes, int from, const Sizes &shape) {
  Size size;
  for (size_t i = from; i < axes.size(); ++i)
    size = size * shape[axes[i]];
  return size;
}

static Size tailStride(const std::vector<int> &axes, int from, const Storage &storage) {
  for (int i = int(axes.size()) - 1; i >= from; --i)
    if (!storage.shape[axes[i]].is(1))
      return storage.strides[axes[i]];
  return Size(0);
}

ContractionOperand::ContractionOperand(Operation *dot, int operand) : shape(sizesOf(dot->getOperand(operand))) {
  std::string side = operand ? "rhs" : "lhs";
  for (int64_t axis : intsAttr(dot, side + "_batch"))
    batch.push_back(int(axis));
  for (int64_t axis : intsAttr(dot, side + "_contract"))
    contract.push_back(int(axis));
  for (int axis = 0; axis < int(shape.size()); ++axis)
    if (!llvm::is_contained(batch, axis) && !llvm::is_contained(contract, axis))
      free.push_back(axis);
  result = operand ? int(sizesOf(dot->getResult(0)).size() - free.size()) : int(batch.size());
}

ContractionOperand ContractionOperand::find(Lowering &lowering, const Group &group, Operation *dot, int operand) {
  ContractionOperand found(dot, operand);
  Value value = dot->getOperand(operand);
  auto storage = stridedView(value, lowering.inputs(group));
  if (storage && mergedTail(found.contract, *storage) == 0)
    found.storage = *storage;
  else
    found.copy(lowering, group, value);
  found.outer = mergedTail(found.free, found.storage);
  // All but the last axis are outer indices if the run time could not count the blocks of several.
  if (!ceilDivide(found.count(), 2))
    found.outer = int(found.free.size()) - 1;
  return found;
}

// Into memory with its axes in the order batch, free, contract.
void ContractionOperand::copy(Lowering &lowering, const Group &group, Value value) {
  Sizes ordered;
  std::vector<int> order = batch;
  order.insert(order.end(), free.begin(), free.end());
  order.insert(order.end(), contract.begin(), contract.end());
  for (int axis : order)
    ordered.push_back(shape[axis]);
  int rank = int(shape.size());
  storage = lowering.temporary(ordered, elementType(value));
  Kernel kernel(lowering, group);
  kernel.suffix = "_operand";
  KernelBuilder &k = kernel.k;
  Size count = product(shape);
  k.loop(k.begin, k.end, !count.is(1), [&](Value i) {
    Point at = cut(k, {{0, rank, i}}, ordered, allBoundaries(rank)), from(rank);
    for (int dim = 0; dim < rank; ++dim)
      from[order[dim]] = {order[dim], 1, at[dim].index};
    kernel.store(kernel.e.evaluate(value, from), storage, {{0, rank, i}});
  });
  lowering.finish(kernel, group, count, lowering.model.grain(1, 8));
  shape = ordered;
  int next = 0;
  for (std::vector<int> *part : {&batch, &free, &contract})
    for (int &axis : *part)
      axis = next++;
}

Size ContractionOperand::freeSize() const { return tailSize(free, 0, shape); }
Size ContractionOperand::count() const { return tailSize(free, outer, shape); }
Size ContractionOperand::stride() const { return tailStride(free, outer, storage); }
Size ContractionOperand::depth() const { return tailSize(contract, 0, shape); }
Size ContractionOperand::depthStride() const { return tailStride(contract, 0, storage); }

bool ContractionOperand::isInPairs(const ContractionOperand &other) const {
  return storage.type.isBF16() && other.storage.type.isBF16();
}

bool ContractionOperand::isInRows(const ContractionOperand &other, bool inPairs, const Target &target) const {
  Type type = storageType(storage.type);
  bool isRead =
      isInPairs(other) ? target.dotsPairs : type == kernel::ContractOp::sumType(type, storageType(other.storage.type));
  return depthStride().is(1) && isRead;
}

std::vector<int> ContractionOperand::outerAxes() const {
  std::vector<int> axes = batch;
  axes.insert(axes.end(), free.begin(), free.begin() + outer);
  return axes;
}

Value ContractionOperand::base(KernelBuilder &k, const std::vector<std::pair<int, Value>> &indices) const {
  Value sum = k.offset(storage.offset);
  for (auto [axis, index] : indices)
    sum = k.add(sum, k.mul(index, storage.strides[axis]));
  return sum;
}

} // namespace weft
