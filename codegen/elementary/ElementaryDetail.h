// What the elementary functions share: the format of the type they work in, its bits, and polynomials.
#pragma once
#include "codegen/elementary/Elementary.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace weft::elementary {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLn2 = 0x1.62e42fefa39efp-1;

inline bool isSingle(Scalar x) { return x.type().isF32(); }

// A function of a named scalar, as an op of math.
template <typename Op, typename... Rest> Scalar asOp(Scalar x, Rest... rest) {
  return x.with(Op::create(*x.builder, x.location, x.value, rest.value...));
}

// The facts of binary32 and binary64 that reductions need.
struct Format {
  bool single;
  int fractionBits, bias;
  double roundMagic; // adding and subtracting it rounds to the nearest integer; the sum's low bits are that integer
  mlir::Type integer;

  explicit Format(Scalar x)
      : single(isSingle(x)), fractionBits(single ? 23 : 52), bias(single ? 127 : 1023),
        roundMagic(single ? 0x1.8p23 : 0x1.8p52), integer(x.builder->getIntegerType(single ? 32 : 64)) {}
};

inline Scalar bitsOf(Scalar x) { return bitcast(x, Format(x).integer); }
inline Scalar shiftLeft(Scalar a, int64_t n) { return weft::shiftLeft(a, a.constantInt(n)); }
inline Scalar shiftRight(Scalar a, int64_t n) { return shiftRightArithmetic(a, a.constantInt(n)); }

// The integer that has the bits of `v` in the format of `like`.
inline int64_t bitPattern(Scalar like, double v) {
  if (isSingle(like)) {
    float narrow = static_cast<float>(v);
    int32_t bits;
    std::memcpy(&bits, &narrow, sizeof bits);
    return bits;
  }
  int64_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}

inline Scalar fma(Scalar a, double b, Scalar c) { return weft::fma(a, a.constant(b), c); }
inline Scalar fma(Scalar a, Scalar b, double c) { return weft::fma(a, b, a.constant(c)); }
inline Scalar fma(Scalar a, double b, double c) { return weft::fma(a, a.constant(b), a.constant(c)); }
inline Scalar select(Scalar condition, Scalar a, double b) { return weft::select(condition, a, a.constant(b)); }
inline Scalar select(Scalar condition, double a, Scalar b) { return weft::select(condition, b.constant(a), b); }
inline Scalar maximum(Scalar a, double b) { return weft::maximum(a, a.constant(b)); }
inline Scalar minimum(Scalar a, double b) { return weft::minimum(a, a.constant(b)); }
inline Scalar less(Scalar a, double b) { return a < a.constant(b); }
inline Scalar greater(Scalar a, double b) { return a > a.constant(b); }
inline Scalar equal(Scalar a, double b) { return a == a.constant(b); }

// Horner's rule, one fused multiply-add a coefficient; lowest order first. Every coefficient is multiplied by `factor`.
template <size_t N> Scalar polynomial(Scalar x, const double (&c)[N], double factor = 1) {
  Scalar sum = x.constant(c[N - 1] * factor);
  for (size_t i = N - 1; i-- > 0;)
    sum = fma(sum, x, c[i] * factor);
  return sum;
}

// f(x) evaluated in f64 and rounded to x's type f32.
template <typename Function, typename... Rest> Scalar throughF64(Function f, Scalar x, Rest... rest) {
  mlir::Type wide = x.builder->getF64Type();
  return convert(f(convert(x, wide), convert(rest, wide)...), x.type());
}

// a + b = high + low exactly (Knuth).
struct Pair {
  Scalar high, low;
};
inline Pair twoSum(Scalar a, Scalar b) {
  Scalar sum = a + b, bPart = sum - a, aPart = sum - bPart;
  return {sum, (a - aPart) + (b - bPart)};
}
// The same, shorter, where |a| >= |b| or a = 0.
inline Pair fastTwoSum(Scalar a, Scalar b) {
  Scalar sum = a + b;
  return {sum, b - (sum - a)};
}
inline Pair twoProduct(Scalar a, Scalar b) {
  Scalar product = a * b;
  return {product, weft::fma(a, b, -product)};
}

// sin(pi x) and cos(pi x), f64.
Scalar sinPi(Scalar x);
Scalar cosPi(Scalar x);
// exp(x) * 2^shift for shift 0 or -1, without overflow in between.
Scalar expScaled(Scalar x, int shift);
// 2^(high + low) for |low| far below 1.
Scalar exp2Sum(Scalar high, Scalar low);
// x = 2^k * m with m in [sqrt(1/2), sqrt(2)), for positive finite x, subnormal or not; k is a float.
struct Decomposed {
  Scalar k, m;
};
Decomposed decompose(Scalar x);
// The results of a logarithm for arguments that are not positive and finite.
Scalar logSpecial(Scalar x, Scalar result);

} // namespace weft::elementary
