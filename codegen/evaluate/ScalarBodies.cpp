// The `scalar` fields of the op records, compiled.
#include "codegen/evaluate/ScalarBodies.h"

#include "codegen/elementary/Elementary.h"
#include "ir/OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace weft {
namespace {

constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kInverseSqrt2Pi = 0.39894228040143267794;
constexpr double kMostNegative = -1e4; // beyond it the factors of gelu and silu are 0, or 1 at its negative

// NaNs stay: one instruction, where maximum() and minimum() are several.
Scalar atLeast(Scalar x, double bound) {
  Scalar least = x.constant(bound);
  return select(x < least, least, x);
}
Scalar atMost(Scalar x, double bound) {
  Scalar most = x.constant(bound);
  return select(x > most, most, x);
}

// (1 + x) / 2, which is as exact as 1 + x.
Scalar halfOfOneAnd(Scalar x) { return fma(x, x.constant(0.5), x.constant(0.5)); }

// Comparisons with a number, in the operand's type.
Scalar operator<(Scalar a, double b) { return a < a.constant(b); }
Scalar operator>(Scalar a, double b) { return a > a.constant(b); }
Scalar operator==(Scalar a, double b) { return a == a.constant(b); }
Scalar operator!=(Scalar a, double b) { return a != a.constant(b); }

// The bits of a float as an integer, and back.
Scalar bitsOf(Scalar x) { return bitcast(x, x.builder->getIntegerType(x.type().getIntOrFloatBitWidth())); }

// The number next to x towards y.
Scalar nextAfter(Scalar x, Scalar y) {
  Scalar bits = bitsOf(x), one = bits.constantInt(1), away = (x < y);
  Scalar step = select((x > 0) == away, one, bits.constantInt(-1));
  Scalar next = bitcast(bits + step, x.type());
  next = select(x == 0, copySign(bitcast(one, x.type()), y), next);
  return select(isNan(x) | isNan(y), x + y, select(x == y, y, next));
}

// e with |x| = m 2^e, 1/2 <= m < 1; 0 of zeros, infinities and NaN.
Scalar binaryExponent(Scalar x) {
  bool single = x.type().isF32();
  Scalar a = absolute(x), isSmall = a < (single ? 0x1p-126 : 0x1p-1022);
  Scalar bits = bitsOf(select(isSmall, a * (single ? 0x1p24 : 0x1p54), a));
  Scalar exponent = shiftRightLogical(bits, bits.constantInt(single ? 23 : 52)) - bits.constantInt(single ? 126 : 1022);
  exponent = select(isSmall, exponent - bits.constantInt(single ? 24 : 54), exponent);
  return select((a > 0) & (a < INFINITY), exponent, bits.constantInt(0));
}

bool isBool(Scalar x) { return x.type().isInteger(1); }
Scalar truth(Scalar x) { return isBool(x) ? x : x != 0; }
Scalar falsehood(Scalar x) {
  return x.with(arith::ConstantOp::create(*x.builder, x.location, x.builder->getBoolAttr(false)));
}

// Constants where there is no operand to take the type from.
struct ConstantBuilder {
  OpBuilder &builder;
  Location location;
  bool named; // as the operands are
  // In 16 bits already if `dtype` is: `v` is rounded once.
  Scalar operator()(DType dtype, Type type, double v) const {
    if (dtype == DType::Float16 || dtype == DType::BFloat16) {
      APFloat number(v);
      bool inexact;
      number.convert(dtype == DType::Float16 ? APFloat::IEEEhalf() : APFloat::BFloat(), APFloat::rmNearestTiesToEven,
                     &inexact);
      v = number.convertToDouble();
    }
    return {&builder, location, arith::ConstantOp::create(builder, location, builder.getFloatAttr(type, v)),
            false,    false,    named};
  }
  Scalar operator()(Type type, int64_t v) const {
    TypedAttr attr = type.isInteger(1)
                         ? TypedAttr(builder.getBoolAttr(v != 0))
                         : TypedAttr(builder.getIntegerAttr(type, APInt(type.getIntOrFloatBitWidth(), v, true, true)));
    return {&builder, location, arith::ConstantOp::create(builder, location, attr), false, false, named};
  }
};

// A conversion to `dtype`, for a caller that rounds a 16-bit result.
Scalar convertTo(DType dtype, Scalar x, Type elementType) {
  bool narrow = dtype == DType::Float16 || dtype == DType::BFloat16;
  return narrow ? beforeNarrowing(x) : convert(x, elementType, isUnsignedInt(dtype));
}

int significandBits(DType dtype) {
  return dtype == DType::Float64 ? 53 : dtype == DType::Float32 ? 24 : dtype == DType::Float16 ? 11 : 8;
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
  return body(operands, attrs, ConstantBuilder{builder, location, !operands.empty() && operands[0].named}, elementType);
}

Scalar buildScalar(OpKind op, ArrayRef<Scalar> operands, const Attrs &attrs, Type elementType) {
  assert(!operands.empty() && "an op without operands needs a builder");
  return buildScalar(*operands.front().builder, operands.front().location, op, operands, attrs, elementType);
}

} // namespace weft
