#include "codegen/elementary/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace weft {

namespace {

// createOrFold: operations on constants become constants; the folders of arith and math are exact.
template <typename Op, typename... Args> Scalar make(Scalar like, Args... args) {
  return like.with(like.builder->createOrFold<Op>(like.location, args...));
}

template <typename FloatOp, typename IntOp> Scalar binary(Scalar a, Scalar b) {
  return a.isFloat() ? make<FloatOp>(a, a.value, b.value) : make<IntOp>(a, a.value, b.value);
}

bool comparesUnsigned(Scalar a) { return a.isUnsigned || a.type().isInteger(1); }

Scalar compare(Scalar a, Scalar b, arith::CmpFPredicate ofFloats, arith::CmpIPredicate ofSigned,
               arith::CmpIPredicate ofUnsigned) {
  Scalar result = a.isFloat() ? make<arith::CmpFOp>(a, ofFloats, a.value, b.value)
                              : make<arith::CmpIOp>(a, comparesUnsigned(a) ? ofUnsigned : ofSigned, a.value, b.value);
  result.isUnsigned = false;
  return result;
}

bool isNumber(Scalar a) {
  FloatAttr attr;
  return matchPattern(a.value, m_Constant(&attr)) && !attr.getValue().isNaN();
}

// Truncates towards zero; what does not fit saturates and NaN gives 0, as CUDA does: arith.fptosi is poison there.
Scalar floatToInt(Scalar a, Type type) {
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  if (width < 32) // as C on x86: through int32, whose low bits remain
    return make<arith::TruncIOp>(a, type, floatToInt(a, a.builder->getI32Type()).value);
  Type integer = a.builder->getIntegerType(width);
  double limit = width == 32 ? 0x1p31 : 0x1p63;
  Scalar fits = (a >= a.constant(-limit)) & (a < a.constant(limit));
  Scalar result = make<arith::FPToSIOp>(a, integer, select(fits, a, a.constant(0)).value);
  int64_t largest = width == 32 ? INT32_MAX : INT64_MAX;
  result = select(a >= a.constant(limit), result.constantInt(largest), result);
  return select(a < a.constant(-limit), result.constantInt(-largest - 1), result);
}

// Numbers below 0 wrap; those beyond the greatest are that.
Scalar floatToUnsigned(Scalar a, Type type) {
  unsigned width = type.getIntOrFloatBitWidth();
  Type i64 = a.builder->getI64Type();
  if (width < 32)
    return floatToInt(a, type);
  if (width == 32) {
    Scalar wide = floatToInt(a, i64), largest = wide.constantInt(UINT32_MAX);
    return make<arith::TruncIOp>(a, type, select(wide > largest, largest, wide).value);
  }
  Scalar half = a.constant(0x1p63), low = floatToInt(a, i64), high = floatToInt(a - half, i64);
  return select(a < half, low,
                select(a < a.constant(0x1p64), high ^ high.constantInt(INT64_MIN), high.constantInt(-1)));
}

// A float64 as float32, with what is lost kept in the last bit (round to odd; Boldo and Melquiond, "Emulation of a FMA
// and correctly rounded sums", 2008).
Scalar roundToOdd(Scalar a) {
  Type f32 = a.builder->getF32Type(), i32 = a.builder->getI32Type();
  Scalar nearest = make<arith::TruncFOp>(a, f32, a.value), bits = bitcast(nearest, i32), one = bits.constantInt(1);
  Scalar kept = absolute(convert(nearest, a.type())), size = absolute(a);
  Scalar odd = select(kept > size, bits - one, bits) | one;
  return bitcast(select((kept > size) | (kept < size), odd, bits), f32);
}

// An integer of 64 bits as float64: where that does not hold it, the lowest bits count as one.
Scalar joinLowBits(Scalar a) {
  Scalar rest = a & a.constantInt(0x7ff), limit = a.constantInt(int64_t(1) << 53);
  Scalar joined = select(rest == rest.constantInt(0), a, (a ^ rest) | a.constantInt(0x400));
  Scalar exact = comparesUnsigned(a) ? a < limit : (a < limit) & (a > -limit);
  return convert(select(exact, a, joined), a.builder->getF64Type());
}

} // namespace

bool Scalar::isFloat() const { return isa<FloatType>(type()); }

Scalar Scalar::constant(double v) const {
  if (!isFloat())
    return constantInt(static_cast<int64_t>(v));
  return with(arith::ConstantOp::create(*builder, location, builder->getFloatAttr(type(), v)));
}

Scalar Scalar::constantInt(int64_t v) const {
  if (isFloat())
    return constant(static_cast<double>(v));
  if (type().isInteger(1))
    return with(arith::ConstantOp::create(*builder, location, builder->getBoolAttr(v != 0)));
  return with(arith::ConstantOp::create(*builder, location, builder->getIntegerAttr(type(), v)));
}

Scalar operator+(Scalar a, Scalar b) { return binary<arith::AddFOp, arith::AddIOp>(a, b); }
Scalar operator-(Scalar a, Scalar b) { return binary<arith::SubFOp, arith::SubIOp>(a, b); }
Scalar operator*(Scalar a, Scalar b) { return binary<arith::MulFOp, arith::MulIOp>(a, b); }

// Division by zero gives 0 and the most negative number by -1 wraps: the hardware would trap.
Scalar operator/(Scalar a, Scalar b) {
  if (a.isFloat())
    return make<arith::DivFOp>(a, a.value, b.value);
  Scalar zero = a.constantInt(0), one = a.constantInt(1), byZero = b == zero;
  if (comparesUnsigned(a))
    return select(byZero, zero, make<arith::DivUIOp>(a, a.value, select(byZero, one, b).value));
  Scalar byMinusOne = b == a.constantInt(-1);
  Scalar quotient = make<arith::DivSIOp>(a, a.value, select(byZero | byMinusOne, one, b).value);
  return select(byZero, zero, select(byMinusOne, -a, quotient));
}

Scalar operator-(Scalar a) { return a.isFloat() ? make<arith::NegFOp>(a, a.value) : a.constantInt(0) - a; }
Scalar operator+(Scalar a, double b) { return a + a.constant(b); }
Scalar operator-(Scalar a, double b) { return a - a.constant(b); }
Scalar operator*(Scalar a, double b) { return a * a.constant(b); }
Scalar operator/(Scalar a, double b) { return a / a.constant(b); }
Scalar operator+(double a, Scalar b) { return b.constant(a) + b; }
Scalar operator-(double a, Scalar b) { return b.constant(a) - b; }
Scalar operator*(double a, Scalar b) { return b.constant(a) * b; }
Scalar operator/(double a, Scalar b) { return b.constant(a) / b; }

Scalar operator<(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt, arith::CmpIPredicate::ult);
}
Scalar operator<=(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle, arith::CmpIPredicate::ule);
}
Scalar operator>(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt, arith::CmpIPredicate::ugt);
}
Scalar operator>=(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OGE, arith::CmpIPredicate::sge, arith::CmpIPredicate::uge);
}
Scalar operator==(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq, arith::CmpIPredicate::eq);
}
Scalar operator!=(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::UNE, arith::CmpIPredicate::ne, arith::CmpIPredicate::ne);
}

Scalar operator&(Scalar a, Scalar b) { return make<arith::AndIOp>(a, a.value, b.value); }
Scalar operator|(Scalar a, Scalar b) { return make<arith::OrIOp>(a, a.value, b.value); }
Scalar operator^(Scalar a, Scalar b) { return make<arith::XOrIOp>(a, a.value, b.value); }
Scalar operator~(Scalar a) { return a ^ a.constantInt(a.type().isInteger(1) ? 1 : -1); }
Scalar shiftLeft(Scalar a, Scalar b) { return make<arith::ShLIOp>(a, a.value, b.value); }
Scalar shiftRightLogical(Scalar a, Scalar b) { return make<arith::ShRUIOp>(a, a.value, b.value); }
Scalar shiftRightArithmetic(Scalar a, Scalar b) { return make<arith::ShRSIOp>(a, a.value, b.value); }

Scalar truncatedRemainder(Scalar a, Scalar b) { return make<arith::RemFOp>(a, a.value, b.value); }

Scalar select(Scalar condition, Scalar a, Scalar b) {
  return make<arith::SelectOp>(a, condition.value, a.value, b.value);
}

Scalar fma(Scalar a, Scalar b, Scalar c) { return make<math::FmaOp>(a, a.value, b.value, c.value); }

namespace {

// NaN wins, and +0 is above -0, whether or not one side is known here: a constant that fusion brings in changes no bit.
// Against a constant that is no NaN a comparison and a select suffice, which are one vector instruction. Equal zeros
// take the constant where its sign wins.
Scalar extremum(Scalar a, Scalar b, bool isMax) {
  if (!a.isFloat())
    return select(isMax ? a > b : a < b, a, b);
  if (isNumber(a))
    std::swap(a, b);
  if (!isNumber(b))
    return isMax ? make<arith::MaximumFOp>(a, a.value, b.value) : make<arith::MinimumFOp>(a, a.value, b.value);
  FloatAttr attr;
  matchPattern(b.value, m_Constant(&attr));
  bool winsTie = attr.getValue().isZero() && attr.getValue().isNegative() != isMax;
  if (isMax)
    return select(winsTie ? b >= a : b > a, b, a);
  return select(winsTie ? b <= a : b < a, b, a);
}

} // namespace

Scalar maximum(Scalar a, Scalar b) { return extremum(a, b, true); }
Scalar minimum(Scalar a, Scalar b) { return extremum(a, b, false); }

Scalar absolute(Scalar a) {
  if (a.isFloat())
    return make<math::AbsFOp>(a, a.value);
  return comparesUnsigned(a) ? a : select(a < a.constantInt(0), -a, a);
}
Scalar copySign(Scalar magnitude, Scalar sign) {
  return make<math::CopySignOp>(magnitude, magnitude.value, sign.value);
}
Scalar floor(Scalar a) { return a.isFloat() ? make<math::FloorOp>(a, a.value) : a; }
Scalar ceil(Scalar a) { return a.isFloat() ? make<math::CeilOp>(a, a.value) : a; }
Scalar trunc(Scalar a) { return a.isFloat() ? make<math::TruncOp>(a, a.value) : a; }
Scalar roundEven(Scalar a) { return a.isFloat() ? make<math::RoundEvenOp>(a, a.value) : a; }
Scalar sqrt(Scalar a) { return make<math::SqrtOp>(a, a.value); }
Scalar isNan(Scalar a) { return a != a; }

Scalar bitcast(Scalar a, Type type) { return a.type() == type ? a : make<arith::BitcastOp>(a, type, a.value); }

Scalar beforeNarrowing(Scalar a) {
  Type f32 = a.builder->getF32Type(), f64 = a.builder->getF64Type();
  unsigned bits = a.type().getIntOrFloatBitWidth();
  if (bits < 32 || a.type() == f32)
    return convert(a, f32);
  return roundToOdd(a.isFloat() ? a : bits == 64 ? joinLowBits(a) : convert(a, f64));
}

Scalar convert(Scalar a, Type type, bool toUnsigned) {
  Scalar result = a;
  result.isUnsigned = toUnsigned;
  if (a.type() == type)
    return result;
  if (type.isInteger(1)) {
    result = a != a.constant(0);
  } else if (a.isFloat() && isa<FloatType>(type)) {
    unsigned from = a.type().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
    if (to == 16 && from != 32)
      return convert(beforeNarrowing(a), type);
    result.value =
        from < to ? make<arith::ExtFOp>(a, type, a.value).value : make<arith::TruncFOp>(a, type, a.value).value;
  } else if (a.isFloat()) {
    result.value = (toUnsigned ? floatToUnsigned(a, type) : floatToInt(a, type)).value;
    if (type.isIndex())
      result.value = make<arith::IndexCastOp>(a, type, result.value).value;
  } else if (isa<FloatType>(type)) {
    if (a.type().isIndex())
      return convert(convert(a, a.builder->getI64Type()), type);
    if (type.getIntOrFloatBitWidth() == 16)
      return convert(beforeNarrowing(a), type);
    result.value = comparesUnsigned(a) ? make<arith::UIToFPOp>(a, type, a.value).value
                                       : make<arith::SIToFPOp>(a, type, a.value).value;
  } else if (a.type().isIndex() || type.isIndex()) {
    result.value = comparesUnsigned(a) ? make<arith::IndexCastUIOp>(a, type, a.value).value
                                       : make<arith::IndexCastOp>(a, type, a.value).value;
  } else {
    unsigned from = a.type().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
    if (from > to)
      result.value = make<arith::TruncIOp>(a, type, a.value).value;
    else if (from < to)
      result.value = comparesUnsigned(a) ? make<arith::ExtUIOp>(a, type, a.value).value
                                         : make<arith::ExtSIOp>(a, type, a.value).value;
  }
  return result;
}

} // namespace weft
