#include "codegen/ElementaryCoefficients.h"
#include "codegen/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

// erfc(a) for a >= 0, f64: exp(-a^2) / (1 + 2a) times a polynomial in (a - 4) / (a + 4).
Scalar erfcPositive(Scalar a) {
  a = minimum(a, 28.0); // erfc(28) rounds to 0
  Scalar q = (a - 4.0) / (a + 4.0);
  Pair square = twoProduct(a, a);
  Scalar e = exp(-square.high);
  e = fma(-e, square.low, e);
  return e * (polynomial(q, c::erfc64) / fma(a, 2.0, 1.0));
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
