#include "codegen/schedule/ColumnReduction.h"
#include "codegen/evaluate/ScalarBodies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace weft {

ColumnReduction::ColumnReduction(Evaluator &e, KernelBuilder &k, Operation *op)
    : op(op), type(reducedType(op)), e(e), k(k), kind(reductionKind(op, elementType(op->getOperand(0)))) {}

Value ColumnReduction::element(const Point &point) { return reducedElement(op, e.evaluate(op->getOperand(0), point)); }

Value ColumnReduction::combine(Value a, Value b) {
  Scalar x{&k.builder, k.location, a}, y{&k.builder, k.location, b};
  if (kind == "sum")
    return (x + y).value;
  if (kind == "prod")
    return (x * y).value;
  if (kind == "max")
    return maximum(x, y).value;
  if (kind == "min")
    return minimum(x, y).value;
  return kind == "any" ? (x | y).value : (x & y).value;
}

Value ColumnReduction::identity() {
  OpBuilder &builder = k.builder;
  TypedAttr value;
  if (isa<FloatType>(type)) {
    double number = kind == "sum" ? -0.0 : kind == "prod" ? 1.0 : kind == "max" ? -INFINITY : INFINITY;
    value = builder.getFloatAttr(type, number);
  } else {
    unsigned bits = type.getIntOrFloatBitWidth();
    APInt number = kind == "prod" || kind == "all" ? APInt(bits, 1)
                   : kind == "max"                 ? APInt::getSignedMinValue(bits)
                   : kind == "min"                 ? APInt::getSignedMaxValue(bits)
                                                   : APInt(bits, 0);
    value = builder.getIntegerAttr(type, number);
  }
  OpBuilder::InsertionGuard guard(builder);
  k.hoist({});
  return arith::ConstantOp::create(builder, k.location, value);
}

Value ColumnReduction::tree(int64_t count, llvm::function_ref<Value(int64_t)> leaf) {
  SmallVector<Value> values;
  for (int64_t lane = 0; lane < count; ++lane)
    values.push_back(leaf(lane));
  for (int64_t half = count / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane)
      if (values[lane + half])
        values[lane] = combine(values[lane], values[lane + half]);
  return values[0];
}

} // namespace weft
