#include "codegen/lower/Layout.h"

using namespace mlir;

namespace weft {

Layout::Layout(func::FuncOp func, const Target &target) {
  bool allTake = true;
  int64_t convolutions = 0;
  func.walk([&](Operation *op) {
    bool isOp =
        op->getDialect()->getNamespace() == "weft" && !isa<GroupOp>(op) && !op->hasTrait<OpTrait::IsTerminator>();
    if (!isOp || familyOf(op) != OpFamily::Convolution)
      return;
    ++convolutions;
    allTake &= takesChannelsLast(op, target);
  });
  hasImages = convolutions && allTake, hasNetwork = convolutions > 1;
}

static bool isImage(Value value, const CostModel &model) {
  Sizes shape = sizesOf(value);
  if (shape.size() < 3)
    return false;
  for (const Size &size : shape)
    if (!size.isStatic())
      return false;
  return shape[1].constant >= model.shortLane && !product(shape, 2, int(shape.size())).is(1);
}

static Sizes channelsLastStrides(const Sizes &shape) {
  int rank = int(shape.size());
  Sizes strides(rank);
  Size stride = shape[1];
  strides[1] = Size(1);
  for (int dim = rank - 1; dim > 1; --dim) {
    strides[dim] = stride;
    stride = stride * shape[dim];
  }
  strides[0] = stride;
  return strides;
}

SmallVector<Sizes> Layout::strides(const Lowering &lowering, const Group &group) const {
  SmallVector<Sizes> strides;
  for (Value value : group.outside)
    strides.push_back(rowMajorStrides(sizesOf(value)));
  if (!hasImages)
    return strides;
  auto isConvolution = [](Operation *op) { return familyOf(op) == OpFamily::Convolution; };
  bool isOfConvolution = llvm::any_of(group.ops, isConvolution);
  llvm::DenseMap<Value, Storage> inputs;
  for (auto [inside, outside] : group.inputs)
    inputs[inside] = lowering.values.find(outside)->second;
  if (isOfConvolution) {
    if (!hasNetwork && llvm::none_of(inputs, [](const auto &input) { return input.second.isChannelsLast(); }))
      return strides;
  } else {
    if (groupKind(group) != "loop")
      return strides;
    // A loop goes by the pixels of its results: all of them or none, as one of its inputs does, or a view of one that
    // puts its pixels elsewhere.
    Sizes shape = sizesOf(group.outside.front());
    bool follows = false;
    for (const auto &[value, storage] : inputs)
      follows |= storage.isChannelsLast() && storage.shape.size() == shape.size() && storage.shape[1] == shape[1];
    for (Operation *op : group.ops)
      if (kindOf(op) == OpKind::Permute)
        if (auto view = stridedView(op->getResult(0), inputs))
          follows |= view->isChannelsLast() && view->shape[0] == shape[0] && view->shape[1] == shape[1];
    for (Value value : group.outside)
      follows &= sizesOf(value) == shape && isImage(value, lowering.model) && !lowering.values.count(value);
    if (!follows)
      return strides;
  }
  for (auto [value, given] : llvm::zip(group.outside, strides))
    if (isImage(value, lowering.model))
      given = channelsLastStrides(sizesOf(value));
  return strides;
}

} // namespace weft
