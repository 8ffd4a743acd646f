#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

// The polynomial c[0] + x * rest as a sum of two, where c[0] is the larger part by far.
template <size_t N> Pair polynomialPair(Scalar x, const double (&c)[N]) {
  Scalar rest = x.constant(c[N - 1]);
  for (size_t i = N - 1; i-- > 1;)
    rest = fma(rest, x, c[i]);
  Scalar high = fma(rest, x, c[0]);
  return {high, weft::fma(rest, x, c[0] - high)};
}

// erfc(a) for a >= 1/2, f64: exp(-a^2) / (1 + 2a) times a polynomial in (a - 4) / (a + 4). Each factor is a sum of two,
// so that the errors of the exponential and of the last rounding are all there is.
Scalar erfcPositive(Scalar a) {
  a = minimum(a, 28.0); // erfc(28) rounds to 0
  Scalar q = (a - 4.0) / (a + 4.0);
  Pair square = twoProduct(a, a);
  Scalar e = exp(-square.high), eLow = -(e * square.low);
  Pair p = polynomialPair(q, c::erfc64), divisor = fastTwoSum(a + a, a.constant(1.0));
  Scalar reciprocal = 1.0 / divisor.high, quotient = p.high * reciprocal;
  Scalar rest = weft::fma(-quotient, divisor.high, p.high) + (p.low - quotient * divisor.low);
  return weft::fma(e, quotient, weft::fma(e, rest * reciprocal, eLow * quotient));
}

} // namespace

Scalar erf(Scalar x) {
  Scalar a = absolute(x);
  Scalar z = a * a;
  Scalar small = fma(isSingle(x) ? polynomial(z, c::erf32) : polynomial(z, c::erf64), a, a);
  Scalar large = x;
  if (isSingle(x)) {
    // From 3.92 on erf rounds to 1.
    Scalar u = minimum(a, 3.925) - c::erfc32Center;
    large = 1.0 - polynomial(u, c::erfc32);
  } else {
    large = 1.0 - erfcPositive(a);
  }
  return copySign(select(less(a, 1.0), small, large), x);
}

Scalar erfc(Scalar x) {
  if (isSingle(x))
    return throughF64(erfc, x);
  Scalar a = absolute(x);
  Scalar positive = erfcPositive(a);
  Scalar large = weft::select(less(x, 0.0), 2.0 - positive, positive);
  Scalar small = 1.0 - weft::fma(polynomial(x * x, c::erf64), x, x);
  return weft::select(less(a, 0.5), small, large);
}

} // namespace weft
