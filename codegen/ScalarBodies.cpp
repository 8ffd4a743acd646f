// The `scalar` fields of the op records, compiled.
#include "codegen/ScalarBodies.h"

#include "codegen/Elementary.h"
#include "ir/OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace weft {
namespace {

constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kInverseSqrt2Pi = 0.39894228040143267794;

// Comparisons with a number, in the operand's type.
Scalar operator<(Scalar a, double b) { return a < a.constant(b); }
Scalar operator==(Scalar a, double b) { return a == a.constant(b); }
Scalar operator!=(Scalar a, double b) { return a != a.constant(b); }

bool isBool(Scalar x) { return x.type().isInteger(1); }
Scalar truth(Scalar x) { return isBool(x) ? x : x != 0; }
Scalar falsehood(Scalar x) {
  return x.with(arith::ConstantOp::create(*x.builder, x.location, x.builder->getBoolAttr(false)));
}

// Constants where there is no operand to take the type from.
struct ConstantBuilder {
  OpBuilder &builder;
  Location location;
  // In 16 bits already if `dtype` is: `v` is rounded once.
  Scalar operator()(DType dtype, Type type, double v) const {
    if (dtype == DType::Float16 || dtype == DType::BFloat16) {
      APFloat number(v);
      bool inexact;
      number.convert(dtype == DType::Float16 ? APFloat::IEEEhalf() : APFloat::BFloat(), APFloat::rmNearestTiesToEven,
                     &inexact);
      v = number.convertToDouble();
    }
    return {&builder, location, arith::ConstantOp::create(builder, location, builder.getFloatAttr(type, v))};
  }
  Scalar operator()(Type type, int64_t v) const {
    TypedAttr attr = type.isInteger(1)
                         ? TypedAttr(builder.getBoolAttr(v != 0))
                         : TypedAttr(builder.getIntegerAttr(type, APInt(type.getIntOrFloatBitWidth(), v, true, true)));
    return {&builder, location, arith::ConstantOp::create(builder, location, attr)};
  }
};

// A conversion to `dtype`, for a caller that rounds a 16-bit result.
Scalar convertTo(DType dtype, Scalar x, Type elementType) {
  bool narrow = dtype == DType::Float16 || dtype == DType::BFloat16;
  return narrow ? beforeNarrowing(x) : convert(x, elementType, dtype == DType::UInt8);
}

// C's fmod. A step takes the rounded quotient off exactly by a fused multiply-add: what remains is below |y|, or has
// lost 52 bits of a quotient too long for the significand, and is negative where the quotient was rounded up. Two steps
// in f64 are exact while |x / y| < 2^104.
Scalar truncatedRemainder(Scalar x, Scalar y) {
  Type type = x.type(), f64 = x.builder->getF64Type();
  Scalar wide = convert(x, f64), divisor = absolute(convert(y, f64)), r = absolute(wide);
  for (int step = 0; step < 2; ++step)
    r = fma(-trunc(r / divisor), divisor, r);
  r = select(r < 0, r + divisor, r);
  r = select(absolute(wide) < divisor, absolute(wide), r);
  return convert(copySign(r, wide), type);
}

Scalar shiftCountFits(Scalar count) {
  Scalar inside = count < count.constantInt(count.type().getIntOrFloatBitWidth());
  return count.isUnsigned ? inside : (count >= count.constantInt(0)) & inside;
}

// By squaring, a bit of the exponent a step.
Scalar integerPower(Scalar x, Scalar y) {
  Scalar zero = x.constantInt(0), one = x.constantInt(1), result = one, square = x;
  int bits = x.type().getIntOrFloatBitWidth() - (x.isUnsigned ? 0 : 1);
  for (int bit = 0; bit < bits; ++bit) {
    Scalar taken = (shiftRightLogical(y, y.constantInt(bit)) & one) != zero;
    result = select(taken, result * square, result);
    square = square * square;
  }
  if (x.isUnsigned)
    return result;
  Scalar minusOne = x.constantInt(-1);
  Scalar inverse = select(x == one, one, select(x == minusOne, select((y & one) != zero, minusOne, one), zero));
  return select(y < zero, inverse, result);
}

using Body = Scalar (*)(ArrayRef<Scalar> operands, const Attrs &attrs, const ConstantBuilder &constantOf,
                        Type elementType);
#include "ir/Scalars.inc"

} // namespace

Scalar buildScalar(OpBuilder &builder, Location location, OpKind op, ArrayRef<Scalar> operands, const Attrs &attrs,
                   Type elementType) {
  Body body = bodies[int(op)];
  assert(body && "an op with a scalar body");
  return body(operands, attrs, ConstantBuilder{builder, location}, elementType);
}

Scalar buildScalar(OpKind op, ArrayRef<Scalar> operands, const Attrs &attrs, Type elementType) {
  assert(!operands.empty() && "an op without operands needs a builder");
  return buildScalar(*operands.front().builder, operands.front().location, op, operands, attrs, elementType);
}

} // namespace weft
