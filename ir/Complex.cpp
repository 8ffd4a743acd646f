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
Val isFinite(Val x) { return abs(x) < double(INFINITY); }

// Where it is too large for exp, x nearer to 0, and what the exponential, times what may be small, is to be multiplied
// with then.
struct Shifted {
  Val x, factor;
};
Shifted shifted(Val x, Val size) {
  constexpr double kFits = 709, kShift = 690, kFactor = 0x1.6009282aba144p+995; // exp(kShift)
  Val isLarge = size > kFits;
  return {where(isLarge, x - copysign(constant(x, kShift), x), x), where(isLarge, kFactor, constant(x, 1))};
}
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
  Shifted x = shifted(z.re, z.re);
  Val size = exp(x.x), noAngle = logical_and(isInfinite(z.re), logical_not(isFinite(z.im)));
  Val c = where(noAngle, 1.0, cos(z.im)), s = where(noAngle, 0.0, sin(z.im));
  return {size * c * x.factor, where(z.im == 0.0, z.im, size * s * x.factor)};
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
        constexpr double kNo1 = 40; // exp(40) - 1 rounds to exp(40); + 0.0: of -0 it is 0, as exp(-0) - 1
        Complex whole = exponential(z);
        Val noAngle = logical_and(z.re == -double(INFINITY), logical_not(isFinite(z.im)));
        Val half = where(noAngle, 0.0, sin(z.im * 0.5)), c = where(noAngle, 1.0, cos(z.im));
        return {where(z.re > kNo1, whole.re, expm1(z.re) * c - half * half * 2.0 + 0.0), whole.im};
      },
      x);
}

Val complexLogarithmOf1Plus(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        constexpr double kSquaresFit = 1e100;
        Val square = z.re * (z.re + 2.0) + z.im * z.im; // of |1 + x|, less 1
        Val isNear = logical_and(logical_and(abs(z.re) < kSquaresFit, abs(z.im) < kSquaresFit), square > -0.5);
        Complex w = z + 1.0;
        return {where(isNear, log1p(square) * 0.5, log(distance64(w.re, w.im))), atan2(w.im, w.re)};
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

// Of an angle that is not finite a factor of 0 or infinity is left by itself.
static Complex hyperbolicSine(Complex z) {
  Shifted x = shifted(z.re, abs(z.re));
  Val noAngle = logical_and(logical_not(isFinite(z.im)), logical_or(z.re == 0.0, isInfinite(z.re)));
  Val c = where(noAngle, 1.0, cos(z.im));
  return {sinh(x.x) * c * x.factor, where(z.im == 0.0, z.im, cosh(x.x) * sin(z.im) * x.factor)};
}

static Complex hyperbolicCosine(Complex z) {
  Shifted x = shifted(z.re, abs(z.re));
  Val noAngle = logical_not(isFinite(z.im)), one = constant(z.re, 1);
  Val c = where(logical_and(noAngle, isInfinite(z.re)), 1.0, cos(z.im));
  Val s = where(logical_and(noAngle, z.re == 0.0), 1.0, sin(z.im));
  return {cosh(x.x) * c * x.factor, where(z.im == 0.0, copysign(one, z.re) * z.im, sinh(x.x) * s * x.factor)};
}

Val complexHyperbolicSine(Val x) { return inFloat64(hyperbolicSine, x); }
Val complexHyperbolicCosine(Val x) { return inFloat64(hyperbolicCosine, x); }
Val complexSine(Val x) {
  return inFloat64([](Complex z) { return byMinusI(hyperbolicSine(byI(z))); }, x);
}
Val complexCosine(Val x) {
  return inFloat64([](Complex z) { return hyperbolicCosine(byI(z)); }, x);
}

Val complexHyperbolicTangent(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        constexpr double kIsOne = 22; // tanh(22) is 1
        Val t = tan(z.im), beta = t * t + 1.0, s = sinh(z.re), rho = sqrt(s * s + 1.0), divisor = beta * s * s + 1.0;
        Val hasAngle = isFinite(z.im);
        Val isFar = logical_and(abs(z.re) > kIsOne, logical_or(hasAngle, isInfinite(z.re)));
        Val far = where(hasAngle, sin(z.im) * cos(z.im), 0.0) * exp(abs(z.re) * -2.0) * 4.0;
        Val re = where(isFar, copysign(constant(z.re, 1), z.re), beta * rho * s / divisor);
        Val im = where(isFar, far, t / divisor);
        return {where(z.re == 0.0, z.re, re), where(z.im == 0.0, z.im, im)};
      },
      x);
}

static Val hasInfinity(Complex z) { return logical_or(isInfinite(z.re), isInfinite(z.im)); }

// Of a number with an infinite part the angle is that of the number, and the other part infinite.
static Complex inverseSine(Complex z) {
  Complex minus = squareRoot(-z + 1.0), plus = squareRoot(z + 1.0);
  Val isFar = hasInfinity(z), infinite = copysign(constant(z.im, INFINITY), z.im);
  Val re = atan2(z.re, where(isFar, abs(z.im), (minus * plus).re));
  return {where(z.re == 0.0, z.re, re), where(isFar, infinite, asinh((conjugate(minus) * plus).im))};
}

Val complexInverseHyperbolicSine(Val x) {
  return inFloat64([](Complex z) { return byI(inverseSine(byMinusI(z))); }, x);
}

static Complex inverseCosine(Complex z) {
  Complex minus = squareRoot(-z + 1.0), plus = squareRoot(z + 1.0);
  Val isFar = hasInfinity(z), infinite = copysign(constant(z.im, -INFINITY), -z.im);
  Val isRight = logical_and(z.re == 0.0, z.im != z.im); // its angle is known, its length NaN
  Val opposite = where(isFar, abs(z.im), where(isRight, 1.0, minus.re));
  Val adjacent = where(isFar, z.re, where(isRight, 1.0, plus.re));
  return {atan2(opposite, adjacent) * where(isFar, 1.0, constant(z.re, 2)),
          where(isFar, infinite, asinh((conjugate(plus) * minus).im))};
}

Val complexInverseCosine(Val x) { return inFloat64(inverseCosine, x); }
Val complexInverseHyperbolicCosine(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        Complex w = inverseCosine(z);
        return {abs(w.im), copysign(w.re, z.im)};
      },
      x);
}

// Where squares would overflow, of numbers scaled down; beside 1, where they vanish, without them.
Val complexInverseHyperbolicTangent(Val x) {
  return inFloat64(
      [](Complex z) -> Complex {
        constexpr double kLarge = 0x1p500, kScale = 0x1p-600, kSmall = 0x1p-500;
        Val a = abs(z.re), b = abs(z.im), rest = 1.0 - a, one = constant(a, 1);
        Val isFar = logical_or(a > kLarge, b > kLarge), isBeside = logical_and(rest == 0.0, b < kSmall);
        Val scale = where(isFar, kScale, one), down = rest * scale, aside = b * scale;
        Val above = where(isBeside, M_SQRT2, a * scale * 4.0);
        Val below = where(isBeside, sqrt(b), down * down + aside * aside);
        Val re = log1p(above / below * scale) * where(isBeside, 1.0, constant(a, 0.25));
        Val top = where(b > kLarge, 1.0, b * 2.0), bottom = rest * (a + 1.0) - b * b;
        Val im = atan2(top, where(isInfinite(b), -double(INFINITY), bottom)) * 0.5;
        return {where(z.re == 0.0, z.re, copysign(where(hasInfinity(z), 0.0, re), z.re)), copysign(im, z.im)};
      },
      x);
}

} // namespace weft::build
