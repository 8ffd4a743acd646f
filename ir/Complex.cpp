#include "ir/Complex.h"

#include <cmath>

namespace weft::build {

// ---------------------------------------------------------------- Pairs

static Val partOf(Val pairs, int64_t which) {
  Dims starts(pairs.rank(), 0), sizes = pairs.shape();
  starts.back() = which;
  sizes.back() = 1;
  return squeezed(slice(pairs, starts, sizes, Dims(pairs.rank(), 1)), pairs.rank() - 1);
}
Val realOf(Val pairs) { return partOf(pairs, 0); }
Val imaginaryOf(Val pairs) { return partOf(pairs, 1); }

Val pairsOf(Val real, Val imaginary) {
  int64_t axis = real.rank();
  return concatenate({unsqueezed(real, axis), unsqueezed(imaginary, axis)}, axis);
}

namespace {
struct Complex {
  Val re, im;
};
Complex operator+(Complex x, double number) { return {x.re + number, x.im}; }
Complex operator*(Complex x, Complex y) { return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re}; }
Complex operator-(Complex x) { return {-x.re, -x.im}; }
Complex conjugate(Complex x) { return {x.re, -x.im}; }
Complex byI(Complex x) { return {-x.im, x.re}; }
Complex byMinusI(Complex x) { return {x.im, -x.re}; }
Complex where(Val condition, Complex x, Complex y) {
  return {where(condition, x.re, y.re), where(condition, x.im, y.im)};
}
Complex numbersOf(Val pairs) { return {realOf(pairs), imaginaryOf(pairs)}; }
Val pairsOf(Complex x) { return build::pairsOf(x.re, x.im); }

// `function` of the numbers, computed in float64 and rounded once.
template <class Function> Val inFloat64(Function function, Val x) {
  return cast(pairsOf(function(numbersOf(cast(x, DType::Float64)))), x.dtype());
}

Val constant(Val like, double number) { return filled(like, like.shape(), like.dtype(), number); }
Val isInfinite(Val x) { return abs(x) == double(INFINITY); }
} // namespace

Val plusReal(Val x, double number) { return pairsOf(numbersOf(x) + number); }
Val timesI(Val x) { return pairsOf(byI(numbersOf(x))); }
Val timesMinusI(Val x) { return pairsOf(byMinusI(numbersOf(x))); }
Val isZero(Val x) { return logical_and(realOf(x) == 0.0, imaginaryOf(x) == 0.0); }
Val complexWhere(Val isTrue, double number, Val otherwise) {
  Complex z = numbersOf(otherwise);
  return pairsOf(where(isTrue, {constant(z.re, number), constant(z.re, 0)}, z));
}

// ---------------------------------------------------------------- Arithmetic

Val complexProduct(Val x, Val y) { return pairsOf(numbersOf(x) * numbersOf(y)); }
Val conjugateProduct(Val ct, Val derivative) { return complex_mul(ct, complex_conj(derivative)); }

// By the larger part of the divisor, so that no square overflows. A divisor of 0 gives infinities.
static Complex quotient(Complex x, Complex y) {
  Val realIsLarger = abs(y.re) >= abs(y.im);
  Val larger = where(realIsLarger, y.re, y.im), smaller = where(realIsLarger, y.im, y.re);
  Val none = larger == 0.0;
  larger = where(none, 0.0, larger); // not -0
  Val ratio = where(none, 0.0, smaller / larger), divisor = larger + smaller * ratio;
  Val re = where(realIsLarger, x.re + x.im * ratio, x.re * ratio + x.im);
  Val im = where(realIsLarger, x.im - x.re * ratio, x.im * ratio - x.re);
  return {re / divisor, im / divisor};
}

Val complexQuotient(Val x, Val y) {
  return inFloat64([&](Complex z) { return quotient(z, numbersOf(cast(y, DType::Float64))); }, x);
}
Val complexReciprocal(Val x) {
  return inFloat64([](Complex z) { return quotient({constant(z.re, 1), constant(z.re, 0)}, z); }, x);
}

static Val distance64(Val a, Val b) {
  Val x = abs(a), y = abs(b), larger = maximum(x, y), smaller = minimum(x, y);
  Val ratio = smaller / where(larger == 0.0, 1.0, larger);
  return where(logical_or(isInfinite(a), isInfinite(b)), double(INFINITY), larger * sqrt(ratio * ratio + 1.0));
}

Val distance(Val a, Val b) {
  if (a.dtype() == DType::Float64)
    return distance64(a, b);
  Val x = cast(a, DType::Float64), y = cast(b, DType::Float64); // whose squares are exact
  Val root = sqrt(x * x + y * y);
  return cast(where(logical_or(isInfinite(x), isInfinite(y)), double(INFINITY), root), a.dtype());
}

Val complexSign(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        Val length = distance64(z.re, z.im), none = length == 0.0;
        length = where(none, 1.0, length);
        return {where(none, 0.0, z.re / length), where(none, 0.0, z.im / length)};
      },
      x);
}

// What of the cotangent is across x, over |x|.
Val complexSignGradient(Val ct, Val x, Val sign) {
  Complex g = numbersOf(ct), z = numbersOf(x), s = numbersOf(sign);
  Val length = distance(z.re, z.im), none = length == 0.0;
  Val across = where(none, 0.0, (g.im * s.re - g.re * s.im) / where(none, 1.0, length));
  return pairsOf({-s.im * across, s.re * across});
}

// ---------------------------------------------------------------- Exponentials and logarithms

static Complex exponential(Complex z) {
  Val size = exp(z.re);
  return {size * cos(z.im), where(z.im == 0.0, z.im, size * sin(z.im))};
}

// Near |z| = 1 by what |z| squared is more than 1, which there is nearly exact.
static Complex logarithm(Complex z) {
  Val x = abs(z.re), y = abs(z.im), larger = maximum(x, y), smaller = minimum(x, y);
  Val isNear = logical_and(larger > 0.5, larger < 2.0);
  Val near = log1p((larger - 1.0) * (larger + 1.0) + smaller * smaller) * 0.5;
  return {where(isNear, near, log(distance64(z.re, z.im))), atan2(z.im, z.re)};
}

Val complexExponential(Val x) { return inFloat64(exponential, x); }
Val complexLogarithm(Val x) { return inFloat64(logarithm, x); }

Val complexExponentialLess1(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        Val half = sin(z.im * 0.5);
        return {expm1(z.re) * cos(z.im) - half * half * 2.0, exponential(z).im};
      },
      x);
}

Val complexLogarithmOf1Plus(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        constexpr double kSquaresFit = 1e100;
        Val fits = logical_and(abs(z.re) < kSquaresFit, abs(z.im) < kSquaresFit);
        Val near = log1p(z.re * (z.re + 2.0) + z.im * z.im) * 0.5;
        return {where(fits, near, log(distance64(z.re, z.im))), atan2(z.im, z.re + 1.0)};
      },
      x);
}

Val complexPower(Val x, Val y) {
  return inFloat64(
      [&](Complex z) {
        Complex w = numbersOf(cast(y, DType::Float64));
        Val baseIsZero = logical_and(z.re == 0.0, z.im == 0.0), noPower = logical_and(w.re == 0.0, w.im == 0.0);
        Val zero = constant(z.re, 0), one = constant(z.re, 1), infinite = constant(z.re, INFINITY);
        Complex ofZero = where(w.re > 0.0, {zero, zero}, {infinite, infinite * 0.0});
        return where(noPower, {one, zero}, where(baseIsZero, ofZero, exponential(w * logarithm(z))));
      },
      x);
}

// Scaled by powers of 2 where |z| would overflow or lose bits.
static Complex squareRoot(Complex z) {
  constexpr double kLarge = 0x1p1020, kSmall = 0x1p-960;
  Val most = maximum(abs(z.re), abs(z.im)), one = constant(most, 1);
  Val scale = where(most > kLarge, 0x1p-4, where(most < kSmall, 0x1p100, one));
  Val back = where(most > kLarge, 4.0, where(most < kSmall, 0x1p-50, one));
  Val a = z.re * scale, b = z.im * scale;
  Val root = sqrt((abs(a) + distance64(a, b)) * 0.5), none = root == 0.0;
  Val other = abs(b) * 0.5 / where(none, 1.0, root);
  Val isRight = a >= 0.0, straight = isInfinite(z.im);
  Val re = where(isRight, root, other) * back, im = copysign(where(isRight, other, root) * back, z.im);
  return {where(straight, double(INFINITY), re), where(straight, z.im, im)};
}
Val complexSquareRoot(Val x) { return inFloat64(squareRoot, x); }

// ---------------------------------------------------------------- Circular and hyperbolic functions

Val complexSine(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        return {where(z.re == 0.0, z.re, sin(z.re) * cosh(z.im)), where(z.im == 0.0, z.im, cos(z.re) * sinh(z.im))};
      },
      x);
}

Val complexCosine(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        Val imaginary = -sin(z.re) * sinh(z.im), one = constant(z.im, 1);
        return {cos(z.re) * cosh(z.im), where(z.re == 0.0, -z.re * copysign(one, z.im), imaginary)};
      },
      x);
}

Val complexHyperbolicTangent(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        constexpr double kIsOne = 22; // tanh(22) is 1
        Val t = tan(z.im), beta = t * t + 1.0, s = sinh(z.re), rho = sqrt(s * s + 1.0), divisor = beta * s * s + 1.0;
        Val isFar = abs(z.re) > kIsOne;
        Val far = sin(z.im) * cos(z.im) * exp(abs(z.re) * -2.0) * 4.0;
        return {where(isFar, copysign(constant(z.re, 1), z.re), beta * rho * s / divisor),
                where(isFar, far, t / divisor)};
      },
      x);
}

static Complex inverseSine(Complex z) {
  Complex minus = squareRoot(-z + 1.0), plus = squareRoot(z + 1.0);
  return {atan2(z.re, (minus * plus).re), asinh((conjugate(minus) * plus).im)};
}

Val complexInverseHyperbolicSine(Val x) {
  return inFloat64([](Complex z) { return byI(inverseSine(byMinusI(z))); }, x);
}

Val complexInverseCosine(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        Complex minus = squareRoot(-z + 1.0), plus = squareRoot(z + 1.0);
        return {atan2(minus.re, plus.re) * 2.0, asinh((conjugate(plus) * minus).im)};
      },
      x);
}

Val complexInverseHyperbolicCosine(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        Complex minus = squareRoot(z + -1.0), plus = squareRoot(z + 1.0);
        return {asinh((conjugate(minus) * plus).re), atan2(minus.im, plus.re) * 2.0};
      },
      x);
}

Val complexInverseHyperbolicTangent(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        Val a = abs(z.re), b = z.im, rest = 1.0 - a;
        Val re = log1p(a * 4.0 / (rest * rest + b * b)) * 0.25;
        return {copysign(re, z.re), atan2(b * 2.0, rest * (a + 1.0) - b * b) * 0.5};
      },
      x);
}

} // namespace weft::build
