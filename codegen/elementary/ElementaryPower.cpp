#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

constexpr double kLog2EHigh = 0x1.71547652b82fep+0, kLog2ELow = 0x1.777d0ffda0d24p-56;
constexpr double kTwoThirdsHigh = 0x1.5555555555555p-1, kTwoThirdsLow = 0x1.5555555555555p-55;

// log2(a) for positive finite a, f64, to about 2^-65.
Pair log2Extended(Scalar a) {
  Decomposed d = decompose(a);
  Scalar f = d.m - 1.0;
  // s = f / (2 + f)
  Pair u = fastTwoSum(f.constant(2.0), f);
  Scalar inverse = 1.0 / u.high;
  Scalar s = f * inverse;
  Scalar sLow = (weft::fma(-s, u.high, f) - s * u.low) * inverse;
  Pair z = twoProduct(s, s);
  Scalar zLow = weft::fma(s + s, sLow, z.low);
  // 2 s + 2/3 s^3 + s z^2 P(z)
  Pair cube = twoProduct(s, z.high);
  Scalar cubeLow = cube.low + weft::fma(s, zLow, sLow * z.high);
  Pair third = twoProduct(cube.high, s.constant(kTwoThirdsHigh));
  Scalar thirdLow = third.low + fma(cube.high, kTwoThirdsLow, cubeLow * kTwoThirdsHigh);
  Scalar tail = cube.high * (z.high * polynomial(z.high, c::logExtended64));
  Pair sum = fastTwoSum(s + s, third.high);
  Scalar low = sum.low + (thirdLow + (sLow + sLow) + tail);
  sum = fastTwoSum(sum.high, low);
  // Into base 2.
  Pair product = twoProduct(sum.high, s.constant(kLog2EHigh));
  Scalar rest = product.low + fma(sum.high, kLog2ELow, sum.low * kLog2EHigh);
  Pair result = fastTwoSum(d.k, product.high);
  return fastTwoSum(result.high, result.low + rest);
}

// a^y for a > 0, y finite, f64.
Scalar powPositive(Scalar a, Scalar y) {
  Pair logarithm = log2Extended(a);
  Pair exponent = twoProduct(y, logarithm.high);
  Scalar low = weft::fma(y, logarithm.low, exponent.low);
  // Beyond 2000 the result is 0 or infinity, and the low part may be inf - inf.
  Scalar isModerate = less(absolute(exponent.high), 2000.0);
  return exp2Sum(exponent.high, select(isModerate, low, 0.0));
}

} // namespace

Scalar pow(Scalar x, Scalar y) {
  if (x.named)
    return asOp<mlir::math::PowFOp>(x, y);
  Scalar a = absolute(x);
  Scalar result = x;
  if (isSingle(x))
    result = throughF64([](Scalar a, Scalar y) { return exp2(y * log2(a)); }, a, y);
  else
    result = powPositive(a, y);

  Scalar zero = x.constant(0.0), infinity = x.constant(kInfinity);
  auto infinityIf = [&](Scalar condition) { return weft::select(condition, infinity, zero); };
  Scalar yIsNegative = less(y, 0.0);
  Scalar aIsZero = equal(a, 0.0), aIsInfinite = equal(a, kInfinity);
  result = weft::select(aIsZero | aIsInfinite, infinityIf(aIsZero & yIsNegative | aIsInfinite & ~yIsNegative), result);
  Scalar one = x.constant(1.0);
  Scalar yIsInfinite = equal(absolute(y), kInfinity);
  result = weft::select(yIsInfinite, infinityIf((a > one) ^ yIsNegative), result);
  result = weft::select(yIsInfinite & (a == one), one, result);

  Scalar isInteger = trunc(y) == y;
  Scalar halved = 0.5 * y;
  Scalar isOdd = isInteger & (trunc(halved) != halved) & ~yIsInfinite;
  Scalar signBit = bitsOf(x) < bitsOf(x).constantInt(0);
  result = weft::select(isOdd & signBit, -result, result);
  result = select(less(x, 0.0) & ~aIsInfinite & ~isInteger, kNan, result);
  result = weft::select(isNan(x) | isNan(y), x + y, result);
  return weft::select(equal(y, 0.0) | (x == one), one, result);
}

Scalar rsqrt(Scalar x) {
  if (x.named)
    return asOp<mlir::math::RsqrtOp>(x);
  // Lifted out of the subnormal range, for the residual below.
  Format format(x);
  Scalar isSmall = less(x, format.single ? 0x1p-90 : 0x1p-900);
  Scalar lifted = weft::select(isSmall, x * 0x1p60, x);
  Scalar root = sqrt(lifted);
  Scalar y = 1.0 / root;
  // y (1 + d - e / (2 x)) with d = 1 - root y and e = x - root^2.
  Scalar d = fma(-root, y, 1.0);
  Scalar e = weft::fma(-root, root, lifted);
  Scalar correction = weft::fma(e * y, -0.5 * y, d);
  Scalar isFinite = less(y, kInfinity) & greater(y, 0.0);
  Scalar result = weft::select(isFinite, weft::fma(y, correction, y), y);
  return weft::select(isSmall, result * 0x1p30, result);
}

Scalar cbrt(Scalar x) {
  if (x.named)
    return asOp<mlir::math::CbrtOp>(x);
  if (isSingle(x))
    return throughF64(cbrt, x);
  Scalar a = absolute(x);
  Scalar isSmall = less(a, 0x1p-900);
  Scalar lifted = weft::select(isSmall, a * 0x1p120, a);
  Scalar y = exp2(log2(lifted) * (1.0 / 3));
  Pair square = twoProduct(y, y);
  Scalar residual = weft::fma(-square.high, y, lifted) - square.low * y;
  Scalar root = y + residual / (3.0 * square.high);
  root = weft::select(isSmall, root * 0x1p-40, root);
  Scalar isOrdinary = greater(a, 0.0) & less(a, kInfinity);
  return weft::select(isOrdinary, copySign(root, x), x);
}

} // namespace weft
