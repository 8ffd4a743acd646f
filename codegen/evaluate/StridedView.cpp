// Chains of views that are nothing but strides, which a product reads where they lie.
#include "codegen/evaluate/Evaluator.h"
#include "ir/OpTable.h"

using namespace mlir;

namespace weft {

std::optional<Storage> stridedView(Value value, const llvm::DenseMap<Value, Storage> &inputs) {
  if (auto at = inputs.find(value); at != inputs.end())
    return at->second;
  Operation *op = value.getDefiningOp();
  if (familyOf(op) != OpFamily::Shape)
    return std::nullopt;
  std::optional<Storage> from = stridedView(op->getOperand(0), inputs);
  if (!from)
    return from;
  Storage result = *from;
  result.shape = sizesOf(value);
  switch (kindOf(op)) { // named: each op has strides of its own
  case OpKind::Permute: {
    std::vector<int64_t> dims = intsAttr(op, "dims");
    for (size_t i = 0; i < dims.size(); ++i)
      result.strides[i] = from->strides[dims[i]];
    return result;
  }
  case OpKind::Reshape: {
    auto strides = reshapedStrides(from->shape, from->strides, result.shape);
    if (!strides)
      return std::nullopt;
    result.strides = *strides;
    return result;
  }
  case OpKind::Expand: {
    size_t lead = result.shape.size() - from->shape.size();
    result.strides.assign(result.shape.size(), Size(0));
    for (size_t i = 0; i < from->shape.size(); ++i)
      if (from->shape[i] == result.shape[lead + i])
        result.strides[lead + i] = from->strides[i];
    return result;
  }
  case OpKind::Slice: {
    std::vector<int64_t> starts = intsAttr(op, "starts"), steps = intsAttr(op, "steps");
    for (size_t i = 0; i < starts.size(); ++i) {
      Size skipped = Size(starts[i]) * from->strides[i];
      if (result.offset.is(0))
        result.offset = skipped;
      else if (!skipped.is(0) && !(skipped.isStatic() && result.offset.isStatic()))
        return std::nullopt;
      else if (!skipped.is(0))
        result.offset = Size(result.offset.constant + skipped.constant);
      result.strides[i] = from->strides[i] * Size(steps[i]);
    }
    return result;
  }
  default:
    return std::nullopt;
  }
}

} // namespace weft
