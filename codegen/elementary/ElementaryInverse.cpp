#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

constexpr double kTwoOverSqrtPi = 1.12837916709551257390, kHalfSqrtPi = 0.88622692545275801365;
constexpr double kSqrt2 = 1.41421356237309504880;

// A step of Halley's for a root of erf(y) - x, by the difference at y.
Scalar halley(Scalar y, Scalar difference) {
  Scalar step = difference / (kTwoOverSqrtPi * exp(-(y * y)));
  return y - step / weft::fma(y, step, y.constant(1.0));
}

// |x| <= 1/2: the first terms of its series, and two steps.
Scalar inverseErfCentral(Scalar x) {
  static const double series[] = {1.0, 0.26179938779914943654, 0.14393173084921978766, 0.09766361950392055489};
  Scalar y = kHalfSqrtPi * x * polynomial(x * x, series);
  for (int i = 0; i < 2; ++i)
    y = halley(y, erf(y) - x);
  return y;
}

// 0 < q <= 1/2, to y with erfc(y) = q: Hastings' approximation (Abramowitz & Stegun, 26.2.23), and steps.
Scalar inverseErfcTail(Scalar q) {
  Scalar t = sqrt(-2.0 * log(0.5 * q));
  Scalar above = fma(fma(t, 0.010328, 0.802853), t, 2.515517);
  Scalar below = fma(fma(fma(t, 0.001308, 0.189269), t, 1.432788), t, 1.0);
  Scalar y = (t - above / below) * (1 / kSqrt2);
  for (int i = 0; i < 2; ++i)
    y = halley(y, q - erfc(y));
  return y;
}

// In f64, to the precision of f32 (after Giles, "Approximating the erfinv function", 2012), which needs neither a
// quotient nor a root.
Scalar erfinvOfSingle(Scalar x) {
  Decomposed d = decompose(weft::fma(-x, x, x.constant(1.0)));
  Scalar f = d.m - 1.0, w = -fma(d.k, kLn2, f * polynomial(f, c::erfinvLog32));
  Scalar central = polynomial(w - 2.5, c::erfinvCentral32), tail = polynomial(w - 10.5, c::erfinvTail32);
  return x * weft::select(less(w, 5.0), central, tail);
}

} // namespace

Scalar erfinv(Scalar x) {
  Scalar a = absolute(x), result = x;
  if (isSingle(x)) {
    result = throughF64(erfinvOfSingle, x);
  } else {
    Scalar isCentral = ~greater(a, 0.5);
    Scalar central = inverseErfCentral(weft::select(isCentral, x, x.constant(0.0)));
    Scalar tail = inverseErfcTail(weft::select(isCentral, x.constant(0.5), 1.0 - a));
    result = weft::select(isCentral, central, copySign(tail, x));
  }
  result = weft::select(equal(a, 0.0), x, result);
  result = weft::select(equal(a, 1.0), copySign(x.constant(kInfinity), x), result);
  result = select(greater(a, 1.0), kNan, result);
  return weft::select(isNan(x), x, result);
}

Scalar ndtri(Scalar p) {
  if (isSingle(p))
    return throughF64(ndtri, p);
  Scalar least = weft::minimum(p, 1.0 - p);
  Scalar x = 1.0 - 2.0 * least, isCentral = ~greater(x, 0.5);
  Scalar central = inverseErfCentral(weft::select(isCentral, x, x.constant(0.0)));
  Scalar tail = inverseErfcTail(weft::select(isCentral | ~greater(least, 0.0), x.constant(0.5), 2.0 * least));
  Scalar result = kSqrt2 * weft::select(isCentral, central, tail);
  result = weft::select(less(p, 0.5), -result, result);
  result = select(equal(p, 0.0), -kInfinity, result);
  result = select(equal(p, 1.0), kInfinity, result);
  return select(less(p, 0.0) | greater(p, 1.0) | isNan(p), kNan, result);
}

Scalar logit(Scalar x) {
  if (isSingle(x))
    return throughF64(logit, x);
  Scalar isCentral = less(absolute(x - 0.5), 0.25);
  Scalar central = log1p(weft::select(isCentral, (x + x - 1.0) / (1.0 - x), x.constant(0.0)));
  return weft::select(isCentral, central, log(x / (1.0 - x)));
}

} // namespace weft
