// How the evaluator and the schedules read ops and types.
#include "codegen/evaluate/Evaluator.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace weft {

Type storageType(Type element) {
  return element.isUnsignedInteger() ? IntegerType::get(element.getContext(), element.getIntOrFloatBitWidth())
                                     : element;
}

Type computeType(Type element) {
  return element.isF16() || element.isBF16() ? Float32Type::get(element.getContext()) : storageType(element);
}

bool isUnsignedType(Type element) { return element.isUnsignedInteger(); }
Type elementType(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType(); }

Sizes sizesOf(Value tensor) {
  Sizes sizes;
  for (int64_t dim : shapeOf(tensor))
    sizes.push_back(Size::ofDim(dim));
  return sizes;
}

int64_t intAttr(Operation *op, StringRef name) { return op->getAttrOfType<IntegerAttr>(name).getInt(); }
bool boolAttr(Operation *op, StringRef name) { return op->getAttrOfType<BoolAttr>(name).getValue(); }

std::vector<int64_t> intsAttr(Operation *op, StringRef name) {
  ArrayRef<int64_t> values = op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef();
  return {values.begin(), values.end()};
}

} // namespace weft
