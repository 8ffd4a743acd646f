#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

constexpr double kPi = 0x1.921fb54442d18p+1, kPiLow = 0x1.1a62633145c07p-53;
constexpr double kHalfPi = kPi / 2, kHalfPiLow = kPiLow / 2;
constexpr double kTan8 = 0x1.a827999fcef32p-2;  // tan(pi / 8)
constexpr double kTan38 = 0x1.3504f333f9de6p+1; // tan(3 pi / 8)

// asin(x) = x + x p for |x| <= 1/2; else asin(s) = s + (s p + low) for s = sqrt((1 - |x|) / 2).
struct ArcParts {
  Scalar isSmall, p, s, sTail; // sTail = s p + low
};
ArcParts arcParts(Scalar x) {
  Scalar a = absolute(x);
  Scalar isSmall = less(a, 0.5);
  Scalar z = weft::select(isSmall, a * a, 0.5 - 0.5 * a);
  Scalar p = z * polynomial(z, c::asin64);
  Scalar s = sqrt(z);
  Scalar low = weft::fma(-s, s, z) / maximum(s + s, 0x1p-500);
  return {isSmall, p, s, weft::fma(s, p, low)};
}

// pi - (2 s + 2 tail), or its half.
Scalar fromPi(Scalar s, Scalar tail, double pi, double piLow) {
  Scalar high = pi - s;
  Scalar low = (pi - high) - s;
  return high + (low + (piLow - tail));
}

} // namespace

Scalar asin(Scalar x) {
  if (isSingle(x))
    return throughF64(asin, x);
  ArcParts parts = arcParts(x);
  Scalar large = fromPi(parts.s + parts.s, parts.sTail + parts.sTail, kHalfPi, kHalfPiLow);
  Scalar a = absolute(x);
  return copySign(weft::select(parts.isSmall, weft::fma(a, parts.p, a), large), x);
}

Scalar acos(Scalar x) {
  if (isSingle(x))
    return throughF64(acos, x);
  ArcParts parts = arcParts(x);
  Scalar small = fromPi(x, x * parts.p, kHalfPi, kHalfPiLow);
  Scalar twice = parts.s + parts.s, twiceTail = parts.sTail + parts.sTail;
  Scalar large = weft::select(less(x, 0.0), fromPi(twice, twiceTail, kPi, kPiLow), twice + twiceTail);
  return weft::select(parts.isSmall, small, large);
}

Scalar atan(Scalar x) {
  if (isSingle(x) && !x.named)
    return throughF64(atan, x);
  return atan2(x, x.constant(1.0));
}

// The quotient's arc tangent with one division: t = a / b, (a - b) / (a + b) or -b / a, whichever is within tan(pi /
// 8), and a multiple of pi / 4.
Scalar atan2(Scalar y, Scalar x) {
  if (y.named)
    return asOp<mlir::math::Atan2Op>(y, x);
  if (isSingle(x))
    return throughF64(atan2, y, x);
  Scalar a = absolute(y), b = absolute(x);
  Scalar large = weft::select(a > b, a, b);
  Scalar scale = weft::select(greater(large, 0x1p1000), x.constant(0x1p-3), x.constant(1.0));
  Scalar areEqual = (a == b) & (equal(a, 0.0) | equal(a, kInfinity)); // 0 / 0 and inf / inf
  Scalar zeroOrOne = weft::select(equal(a, 0.0), x.constant(0.0), x.constant(1.0));
  a = weft::select(areEqual, zeroOrOne, a * scale);
  b = weft::select(areEqual, x.constant(1.0), b * scale);
  Scalar isSteep = a > b * kTan38, isMiddle = a > b * kTan8;
  Scalar numerator = weft::select(isSteep, -b, weft::select(isMiddle, a - b, a));
  Scalar denominator = weft::select(isSteep, a, weft::select(isMiddle, a + b, b));
  Scalar t = numerator / denominator;
  Scalar z = t * t;
  Scalar tail = t * (z * polynomial(z, c::atan64));
  Scalar isNegative = bitsOf(x) < bitsOf(x).constantInt(0);
  auto base = [&](double piOver4) {
    auto pick = [&](double positive, double negative) {
      return weft::select(isNegative, x.constant(negative), x.constant(positive));
    };
    return weft::select(isSteep, x.constant(2 * piOver4),
                        weft::select(isMiddle, pick(piOver4, 3 * piOver4), pick(0, 4 * piOver4)));
  };
  // 3 pi / 4 rounds, but by less than the low part's error matters.
  Scalar low = base(kPiLow / 4);
  Scalar signedT = weft::select(isNegative, -t, t), signedTail = weft::select(isNegative, -tail, tail);
  Pair sum = twoSum(base(kPi / 4), signedT);
  return copySign(sum.high + (sum.low + (signedTail + low)), y);
}

} // namespace weft
