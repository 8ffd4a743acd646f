#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

constexpr double kLog2E = 0x1.71547652b82fep+0;

// x = n ln(2) + r. The bits of `rounded` end in n + offset.
struct Reduced {
  Scalar rounded, n, r;
};

double roundingMagic(Scalar x, double offset) { return Format(x).roundMagic + offset; }

Reduced reduceByLn2(Scalar x, Scalar rounded, double magic) {
  Format format(x);
  Scalar n = rounded - magic;
  double high = format.single ? 0x1.62e43p-1 : 0x1.62e42fefa39efp-1;
  double low = format.single ? -0x1.05c61p-29 : 0x1.abc9e3b39803fp-56;
  return {rounded, n, fma(n, -low, fma(n, -high, x))};
}

Reduced reduceByLn2(Scalar x, double offset) {
  double magic = roundingMagic(x, offset);
  return reduceByLn2(x, fma(x, kLog2E, magic), magic);
}

// 2 exp(r), as high + low where `low` is asked for.
Scalar twiceExp(Scalar r, Scalar *low = nullptr) {
  Scalar q = isSingle(r) ? polynomial(r, c::exp32, 2) : polynomial(r, c::exp64, 2);
  Scalar slope = fma(q, r, 2.0);
  Scalar sum = fma(slope, r, 2.0);
  if (low)
    *low = fma(slope, r, 2.0 - sum);
  return sum;
}

Scalar powerOfTwo(Scalar rounded) {
  return bitcast(shiftLeft(bitsOf(rounded), Format(rounded).fractionBits), rounded.type());
}

// How much too large a result that is subnormal is computed before it is scaled back, so that it is rounded once.
int subnormalLift(Format format) { return format.single ? 64 : 128; }

// The least n that scale() takes. Its power of two is 0: processors take a hundred cycles for a product that
// underflows, and masked scores all would.
int leastExponent(Format format, int shift) { return -(format.bias - 1 + shift + subnormalLift(format)); }

// twice * 2^(n - 1 + shift), where the bits of `rounded` end in n + bias - 1 + shift.
Scalar scale(Scalar twice, Scalar rounded, Scalar isSmall) {
  Format format(twice);
  int lift = subnormalLift(format);
  Scalar bits = shiftLeft(bitsOf(rounded), format.fractionBits);
  bits = select(isSmall, bits + bits.constantInt(int64_t(lift) << format.fractionBits), bits);
  Scalar result = twice * bitcast(bits, twice.type());
  return select(isSmall, result * std::ldexp(1.0, -lift), result);
}

// 2 exp(r) and 2^(n - 1) for x of moderate size.
Scalar expBounded(Scalar x) {
  Reduced reduced = reduceByLn2(x, Format(x).bias - 1);
  return twiceExp(reduced.r) * powerOfTwo(reduced.rounded);
}

} // namespace

// What rounds by adding and subtracting a constant is not for the targets of named scalars: they may leave out both.
Scalar elementary::expScaled(Scalar x, int shift) {
  if (x.named)
    return asOp<mlir::math::ExpOp>(x) * std::ldexp(1.0, shift);
  Format format(x);
  // Above the upper bound the scale 2^(n - 1 + shift) itself would leave its range.
  double bound = (format.single ? 89.0 : 710.0) - shift;
  Scalar clamped = maximum(minimum(x, bound), leastExponent(format, shift) * M_LN2);
  Reduced reduced = reduceByLn2(clamped, format.bias - 1 + shift);
  return scale(twiceExp(reduced.r), reduced.rounded, less(clamped, format.single ? -85.0 : -706.0));
}

Scalar exp(Scalar x) {
  if (x.named)
    return asOp<mlir::math::ExpOp>(x);
  return expScaled(x, 0);
}

Scalar elementary::exp2Sum(Scalar high, Scalar low) {
  if (high.named)
    return asOp<mlir::math::PowFOp>(high.constant(2.0), high + low);
  Format format(high);
  Scalar clamped = maximum(minimum(high, format.single ? 129.0 : 1025.0), leastExponent(format, 0));
  double magic = format.roundMagic + format.bias - 1;
  Scalar rounded = clamped + magic;
  Scalar r = (clamped - (rounded - magic)) + low;
  Scalar slope = format.single ? polynomial(r, c::exp2_32, 2) : polynomial(r, c::exp2_64, 2);
  return scale(fma(slope, r, 2.0), rounded, less(clamped, format.single ? -123.0 : -1018.0));
}

Scalar exp2(Scalar x) { return exp2Sum(x, x.constant(-0.0)); }

Scalar expm1(Scalar x) {
  if (x.named)
    return asOp<mlir::math::ExpM1Op>(x);
  Format format(x);
  Scalar clamped = maximum(minimum(x, format.single ? 89.0 : 710.0), format.single ? -30.0 : -60.0);
  // n = 0 for |x| < 0.6: the rounding of r would count where n = 1 and the result is below 0.8.
  Scalar a = absolute(x);
  double magic = roundingMagic(x, format.bias - 1);
  Scalar rounded = fma(clamped, kLog2E, magic);
  Reduced reduced = reduceByLn2(clamped, select(less(a, 0.6), magic, rounded), magic);
  Scalar r = reduced.r;
  Scalar q = format.single ? polynomial(r, c::expm132) : polynomial(r, c::expm164);
  Scalar fraction = fma(r * r, q, r);
  Scalar half = powerOfTwo(reduced.rounded); // 2^(n - 1)
  // 2^n fraction + (2^n - 1), halved. From 2^25 on 2^n - 1 rounds, so there the 1 goes with what the fraction's
  // rounding left.
  Scalar isLarge = greater(x, 12.0);
  Scalar low = weft::fma(r * r, q, r - fraction);
  Scalar partial = weft::fma(half, fraction, weft::select(isLarge, fma(half, low, -0.5), half - 0.5));
  Scalar result = 2.0 * weft::select(isLarge, partial + half, partial);
  // expm1(x) rounds to x; -0 and subnormals stay.
  return select(less(a, format.single ? 0x1p-25 : 0x1p-54), x, result);
}

Scalar sinh(Scalar x) {
  if (isSingle(x))
    return throughF64(sinh, x);
  Scalar a = absolute(x);
  Scalar t = expm1(a);
  Scalar small = 0.5 * (t + t / (t + 1.0));
  return copySign(select(less(a, 22.0), small, expScaled(a, -1)), x);
}

Scalar cosh(Scalar x) {
  if (isSingle(x))
    return throughF64(cosh, x);
  Scalar half = expScaled(absolute(x), -1);
  return half + 0.25 / half;
}

Scalar tanh(Scalar x) {
  if (x.named)
    return asOp<mlir::math::TanhOp>(x);
  Format format(x);
  Scalar a = absolute(x);
  Scalar z = a * a;
  Scalar p = format.single ? polynomial(z, c::tanh32) : polynomial(z, c::tanh64);
  Scalar small = fma(z * p, a, a);
  Scalar e = expBounded(minimum(a + a, format.single ? 20.0 : 40.0));
  Scalar large = 1.0 - 2.0 / (e + 1.0);
  return copySign(select(less(a, 1.0), small, large), x);
}

Scalar sigmoid(Scalar x) {
  if (x.named)
    return 1.0 / (1.0 + exp(-x));
  Format format(x);
  // 1 / (1 + E) with E = exp(-x) = y * s. The sum is computed 2^lift too small, so that no E overflows, and the
  // quotient that much too large, so that one that is subnormal is rounded once.
  int lift = format.single ? 32 : 128;
  double one = std::ldexp(1.0, -lift);
  Scalar negated = -maximum(minimum(x, format.single ? 40.0 : 80.0), format.single ? -105.0 : -746.0);
  Reduced reduced = reduceByLn2(negated, format.bias - 1 - lift);
  Scalar low = x;
  Scalar y = twiceExp(reduced.r, &low);
  Scalar s = powerOfTwo(reduced.rounded);
  Scalar denominator = fma(y, s, one);
  Scalar quotient = 1.0 / denominator;
  // One Newton step with what the denominator's rounding and exp's polynomial left out.
  Scalar added = denominator - one;
  Scalar rest = weft::fma(low, s, weft::fma(y, s, -added) + (one - (denominator - added)));
  Scalar remainder = weft::fma(-quotient, rest, fma(-quotient, denominator, 1.0));
  return weft::fma(remainder, quotient, quotient) * one;
}

} // namespace weft
