#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

// Bernoulli numbers B2, B4, ...
constexpr double kBernoulli[] = {1.0 / 6, -1.0 / 30,     1.0 / 42,      -1.0 / 30,       5.0 / 66,      -691.0 / 2730,
                                 7.0 / 6, -3617.0 / 510, 43867.0 / 798, -174611.0 / 330, 854513.0 / 138};
constexpr double kHalfLog2Pi = 0.91893853320467274178, kPi = 0x1.921fb54442d18p+1, kLogPi = 1.14472988584940017414;

Scalar isInteger(Scalar x) { return trunc(x) == x; }

// The sum over k of coefficients[k] x^-2k, k from 0.
template <size_t N> Scalar inverseSquares(Scalar x, const double (&coefficients)[N]) {
  Scalar inverse = 1.0 / x;
  return polynomial(inverse * inverse, coefficients);
}

// log(gamma(x)) for x > 0. From 8 on Stirling's series. Below, x is moved to y in [3/2, 5/2), where log(gamma(y)) is a
// polynomial, by factors whose logarithm is added; that of x itself, next to 1, is log1p(x - 1).
Scalar logGammaPositive(Scalar x) {
  static const double stirling[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                                    1.0 / 1188, -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400};
  Scalar large = maximum(x, 8.0);
  large = weft::fma(large - 0.5, log(large), -large) + (kHalfLog2Pi + inverseSquares(large, stirling) / large);
  large = select(equal(x, kInfinity), kInfinity, large);

  Scalar y = minimum(x, 8.0), factors = x.constant(1.0);
  Scalar nearOne = less(x, 1.5) & ~less(x, 0.5), isSmall = less(x, 0.5);
  for (int step = 0; step < 6; ++step) {
    Scalar moves = ~less(y, 2.5);
    factors = weft::select(moves, factors * (y - 1.0), factors);
    y = weft::select(moves, y - 1.0, y);
  }
  factors = weft::select(isSmall, x * (x + 1.0), factors);
  Scalar z = weft::select(isSmall, x, weft::select(nearOne, x - 1.0, y - 2.0));
  Scalar logarithm = log(factors);
  logarithm = weft::select(isSmall, -logarithm, logarithm);
  logarithm = weft::select(nearOne, -log1p(weft::select(nearOne, x - 1.0, x.constant(0.0))), logarithm);
  return weft::select(less(x, 8.0), logarithm + z * polynomial(z, c::logGamma64), large);
}

// The derivative of the given order of psi for x > 0: terms by the recurrence up to where Euler and Maclaurin's series
// serves.
Scalar polygammaPositive(int order, Scalar x) {
  const double least = 12 + order;
  Scalar sum = x.constant(0.0), y = x;
  auto power = [&](Scalar base, int exponent) {
    Scalar result = base.constant(1.0);
    for (Scalar square = base; exponent; exponent >>= 1, square = square * square)
      if (exponent & 1)
        result = result * square;
    return result;
  };
  double factorial = 1; // of the order
  for (int i = 2; i <= order; ++i)
    factorial *= i;
  Scalar zero = x.constant(0.0);
  for (int step = 0; step < int(least); ++step) {
    Scalar moves = less(y, least);
    sum = sum + weft::select(moves, 1.0 / power(y, order + 1), zero);
    y = weft::select(moves, y + 1.0, y);
  }
  Scalar inverse = 1.0 / y, square = inverse * inverse;
  Scalar series = x.constant(0.0);
  for (int k = int(std::size(kBernoulli)); k >= 1; --k) { // B2k (2k + order - 1)! / (2k)!
    double coefficient = kBernoulli[k - 1];
    if (order == 0)
      coefficient /= 2 * k;
    for (int i = 1; i < order; ++i)
      coefficient *= 2 * k + i;
    series = fma(series, square, x.constant(coefficient));
  }
  series = series * square;
  if (order == 0)
    return log(y) - (0.5 * inverse + series) - sum;
  double before = factorial / order; // (order - 1)!
  Scalar tail = power(inverse, order) * (before + (0.5 * factorial) * inverse + series);
  Scalar result = factorial * sum + tail;
  return order % 2 ? result : -result;
}

// The derivative of the given order of cot(pi x), divided by pi^order: a polynomial in the cotangent.
Scalar cotangentDerivative(int order, Scalar x) {
  llvm::SmallVector<double> p{0, 1}; // of cot
  for (int i = 0; i < order; ++i) {  // d/dx p(c) = -(1 + c^2) p'(c)
    llvm::SmallVector<double> next(p.size() + 1, 0);
    for (size_t j = 1; j < p.size(); ++j) {
      next[j - 1] -= double(j) * p[j];
      next[j + 1] -= double(j) * p[j];
    }
    p = next;
  }
  Scalar cotangent = cosPi(x) / sinPi(x), sum = x.constant(p.back());
  for (size_t j = p.size() - 1; j-- > 0;)
    sum = fma(sum, cotangent, x.constant(p[j]));
  return sum;
}

} // namespace

Scalar lgamma(Scalar x) {
  if (isSingle(x))
    return throughF64(lgamma, x);
  Scalar a = absolute(x), isNegative = less(x, 0.0);
  // gamma(x) gamma(-x) = -pi / (x sin(pi x)).
  Scalar positive = logGammaPositive(weft::select(equal(a, 0.0), a.constant(1.0), a));
  Scalar reflected = kLogPi - log(a * absolute(sinPi(a))) - positive;
  Scalar result = weft::select(isNegative, reflected, positive);
  Scalar isPole = isInteger(x) & ~greater(x, 0.0);
  result = weft::select(isPole | equal(a, kInfinity), x.constant(kInfinity), result);
  return weft::select(isNan(x), x, result);
}

Scalar polygamma(int64_t order, Scalar x) {
  if (isSingle(x)) {
    mlir::Type wide = x.builder->getF64Type();
    return convert(polygamma(order, convert(x, wide)), x.type());
  }
  // psi(1 - x) - psi(x) = pi cot(pi x), and its derivatives.
  Scalar isNegative = less(x, 0.0) | equal(x, 0.0);
  Scalar positive = polygammaPositive(int(order), weft::select(isNegative, 1.0 - x, x));
  double scale = std::pow(kPi, double(order + 1));
  Scalar reflected = (order % 2 ? -positive : positive) - scale * cotangentDerivative(int(order), x);
  Scalar result = weft::select(isNegative, reflected, positive);
  if (order == 0) {
    result = select(isNegative & isInteger(x), kNan, result); // -infinity is one
    result = weft::select(equal(x, 0.0), copySign(x.constant(kInfinity), -x), result);
    result = weft::select(equal(x, kInfinity), x, result);
  } else {
    result = select(isNegative & isInteger(x), order % 2 ? kInfinity : -kInfinity, result);
    result = select(equal(x, kInfinity), order % 2 ? 0.0 : -0.0, result);
  }
  return weft::select(isNan(x), x, result);
}

// Euler and Maclaurin's series behind twelve terms.
Scalar zeta(Scalar s, Scalar q) {
  if (isSingle(s))
    return throughF64(zeta, s, q);
  constexpr int kTerms = 12;
  auto power = [&](Scalar base) { return exp2(-s * log2(base)); };
  Scalar sum = s.constant(0.0);
  for (int k = kTerms; k-- > 0;)
    sum = sum + power(q + double(k));
  Scalar w = q + double(kTerms), first = power(w), inverse = 1.0 / w, square = inverse * inverse;
  Scalar order = minimum(s, 1e4); // beyond, the tail is nothing
  Scalar factor = order * inverse, series = s.constant(0.0);
  double factorial = 2; // (2 k)!
  for (int k = 1; k <= int(std::size(kBernoulli)); ++k) {
    series = series + (kBernoulli[k - 1] / factorial) * factor;
    factor = factor * ((order + (2.0 * k - 1)) * (order + 2.0 * k)) * square;
    factorial *= (2.0 * k + 1) * (2.0 * k + 2);
  }
  Scalar tail = first * (w / (s - 1.0) + (0.5 + series));
  Scalar result = sum + weft::select(first == s.constant(0.0), first, tail);
  Scalar limit = weft::select(greater(q, 1.0), s.constant(0.0), select(equal(q, 1.0), 1.0, s.constant(kInfinity)));
  result = weft::select(equal(s, kInfinity), limit, result);
  result = select(less(q, 0.0) | less(s, 1.0), kNan, result);
  result = select(equal(s, 1.0) | (~greater(q, 0.0) & isInteger(q) & greater(s, 1.0)), kInfinity, result);
  return weft::select(isNan(s) | isNan(q), s + q, result);
}

} // namespace weft
