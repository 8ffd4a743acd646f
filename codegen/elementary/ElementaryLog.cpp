#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;
// ln(2) and log10(2): the high parts are short, so that k times them is exact.
constexpr double kLn2High32 = 0x1.62e4p-1, kLn2Low32 = 0x1.7f7d1cp-20;
constexpr double kLn2High64 = 0x1.62e42fefa38p-1, kLn2Low64 = 0x1.ef35793c7673p-45;
constexpr double kLog10Of2High32 = 0x1.3442p-2, kLog10Of2Low32 = -0x1.95ec1p-19;
constexpr double kLog10Of2High64 = 0x1.34413509f78p-2, kLog10Of2Low64 = 0x1.fef311f12b358p-46;
// 1 / ln(2) and 1 / ln(10).
constexpr double kLog2EHigh32 = 0x1.715476p+0, kLog2ELow32 = 0x1.4ae0cp-26;
constexpr double kLog2EHigh64 = 0x1.71547652b82fep+0, kLog2ELow64 = 0x1.777d0ffda0d24p-56;
constexpr double kLog10EHigh32 = 0x1.bcb7b2p-2, kLog10ELow32 = -0x1.5b235ep-27;
constexpr double kLog10EHigh64 = 0x1.bcb7b1526e50ep-2, kLog10ELow64 = 0x1.95355baaafad3p-57;

// log(1 + f) = f - (half - tail) with half = f^2 / 2; f64.
struct LogParts {
  Scalar half, tail;
};
LogParts logParts(Scalar f) {
  Scalar s = f / (f + 2.0);
  Scalar z = s * s;
  Scalar half = 0.5 * (f * f);
  return {half, s * fma(z, polynomial(z, c::log64), half)};
}

// k ln(2) + log(1 + f) + correction for f in [sqrt(1/2) - 1, sqrt(2) - 1].
Scalar logOf(Scalar k, Scalar f, Scalar correction) {
  if (isSingle(f)) {
    Scalar t = fma(polynomial(f, c::log32), f, -0.5);
    Scalar tail = fma(f * f, t, fma(k, kLn2Low32, correction));
    return fma(k, kLn2High32, f + tail);
  }
  LogParts parts = logParts(f);
  return fma(k, kLn2High64, f - (parts.half - (fma(k, kLn2Low64, correction) + parts.tail)));
}

struct Base {
  double high32, low32, high64, low64;             // 1 / ln(base)
  double twoHigh32, twoLow32, twoHigh64, twoLow64; // log of 2 in that base
};

template <size_t N> Scalar logInBase(Scalar x, const Base &base, const double (&p)[N]) {
  Decomposed d = decompose(x);
  Scalar f = d.m - 1.0;
  if (isSingle(x)) {
    Scalar tail = fma(f, base.low32, f * f * polynomial(f, p));
    Scalar fraction = fma(f, base.high32, fma(d.k, base.twoLow32, tail));
    return logSpecial(x, fma(d.k, base.twoHigh32, fraction));
  }
  LogParts parts = logParts(f);
  // log(1 + f) as high + low, then its product with 1 / ln(base), all but the last sum exact.
  Scalar high = f - parts.half;
  Scalar low = ((f - high) - parts.half) + parts.tail;
  Pair product = twoProduct(high, high.constant(base.high64));
  Scalar rest = fma(low, base.high64, fma(high, base.low64, product.low));
  Pair sum = fastTwoSum(d.k * base.twoHigh64, product.high);
  return logSpecial(x, sum.high + (sum.low + fma(d.k, base.twoLow64, rest)));
}

} // namespace

Decomposed elementary::decompose(Scalar x) {
  Format format(x);
  double lift = format.fractionBits + 1;
  Scalar isSubnormal = less(x, std::ldexp(1.0, 1 - format.bias));
  Scalar normal = select(isSubnormal, x * std::ldexp(1.0, int(lift)), x);
  Scalar offset = bitsOf(x.constant(kSqrtHalf));
  Scalar bits = bitsOf(normal) - offset;
  int64_t fractionMask = (int64_t(1) << format.fractionBits) - 1;
  Scalar m = bitcast((bits & bits.constantInt(fractionMask)) + offset, x.type());
  Scalar k = convert(shiftRight(bits, format.fractionBits), x.type());
  return {select(isSubnormal, k - lift, k), m};
}

Scalar elementary::logSpecial(Scalar x, Scalar result) {
  result = select(less(x, kInfinity), result, x); // infinity and NaN
  result = select(less(x, 0.0), kNan, result);
  return select(equal(x, 0.0), -kInfinity, result);
}

Scalar log(Scalar x) {
  if (x.named)
    return asOp<mlir::math::LogOp>(x);
  Decomposed d = decompose(x);
  return logSpecial(x, logOf(d.k, d.m - 1.0, x.constant(-0.0)));
}

Scalar log2(Scalar x) {
  static const Base base = {kLog2EHigh32, kLog2ELow32, kLog2EHigh64, kLog2ELow64, 1, 0, 1, 0};
  return logInBase(x, base, c::log2_32);
}

Scalar log10(Scalar x) {
  static const Base base = {kLog10EHigh32,   kLog10ELow32,   kLog10EHigh64,   kLog10ELow64,
                            kLog10Of2High32, kLog10Of2Low32, kLog10Of2High64, kLog10Of2Low64};
  return logInBase(x, base, c::log10_32);
}

Scalar log1p(Scalar x) {
  if (x.named)
    return asOp<mlir::math::Log1pOp>(x);
  Format format(x);
  // 1 + x = 2^k (1 + f); f = 2^-k x + (2^-k - 1), and what its rounding leaves counts for k = 1 and k = -1.
  Scalar exponent = bitsOf(x + 1.0) - bitsOf(x.constant(kSqrtHalf));
  Scalar k = shiftRight(exponent, format.fractionBits);
  Scalar kBits = shiftLeft(k, format.fractionBits);
  Scalar scaled = bitcast(bitsOf(x) - kBits, x.type());
  Scalar quarter = bitcast(bitsOf(x.constant(4.0)) - kBits, x.type());
  Pair f = fastTwoSum(fma(quarter, 0.25, -1.0), scaled);
  Scalar correction = weft::fma(-f.high, f.low, f.low); // f.low / (1 + f)
  Scalar result = logOf(convert(k, x.type()), f.high, correction);
  result = select(less(x, kInfinity), result, x);
  result = select(less(x, -1.0), kNan, result);
  result = select(equal(x, -1.0), -kInfinity, result);
  return select(less(absolute(x), format.single ? 0x1p-25 : 0x1p-54), x, result);
}

Scalar asinh(Scalar x) {
  if (isSingle(x))
    return throughF64(asinh, x);
  Scalar a = absolute(x);
  Scalar isLarge = greater(a, 0x1p60);
  Scalar square = a * a;
  Scalar t = a + square / (1.0 + sqrt(square + 1.0));
  Scalar result = log1p(select(isLarge, a, t));
  return copySign(select(isLarge, result + kLn2, result), x);
}

Scalar acosh(Scalar x) {
  if (isSingle(x))
    return throughF64(acosh, x);
  Scalar isLarge = greater(x, 0x1p60);
  Scalar t = x - 1.0;
  Scalar result = log1p(select(isLarge, x, t + sqrt(fma(t, t, t + t))));
  result = select(isLarge, result + kLn2, result);
  return select(less(x, 1.0), kNan, result);
}

Scalar atanh(Scalar x) {
  if (isSingle(x))
    return throughF64(atanh, x);
  Scalar a = absolute(x);
  return copySign(0.5 * log1p((a + a) / (1.0 - a)), x);
}

} // namespace weft
