#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

constexpr double kSeriesEnd = 16;

// Below 16 the power series, whose terms are positive: that of I0(a), or of I1(a) / (a / 2).
Scalar series(int order, Scalar a) {
  constexpr int kTerms = 44;
  double coefficients[kTerms] = {1};
  for (int k = 1; k < kTerms; ++k)
    coefficients[k] = coefficients[k - 1] / (double(k) * (k + order));
  Scalar half = 0.5 * minimum(a, kSeriesEnd);
  return polynomial(half * half, coefficients);
}

// From 16 on: sqrt(a) exp(-a) I(a).
Scalar tail(int order, Scalar a) {
  Scalar x = kSeriesEnd / maximum(a, kSeriesEnd);
  return order ? polynomial(x, c::bessel1Tail64) : polynomial(x, c::bessel0Tail64);
}

// I(x), or exp(-|x|) I(x), f64.
Scalar bessel(int order, Scalar x, bool scaled) {
  Scalar a = absolute(x), isSmall = less(a, kSeriesEnd);
  Scalar small = series(order, a);
  if (order)
    small = small * (0.5 * a);
  if (scaled)
    small = small * exp(-minimum(a, kSeriesEnd));
  Scalar large = tail(order, a) / sqrt(maximum(a, kSeriesEnd));
  if (!scaled) { // in two steps: exp(a) may overflow where the product does not
    Scalar half = exp(0.5 * a);
    large = large * half * half;
  }
  Scalar result = weft::select(isSmall, small, large);
  result = select(equal(a, kInfinity), scaled ? 0.0 : kInfinity, result);
  result = weft::select(isNan(x), x, result);
  return order ? copySign(result, x) : result;
}

} // namespace

Scalar i0(Scalar x) { return isSingle(x) ? throughF64(i0, x) : bessel(0, x, false); }
Scalar i0e(Scalar x) { return isSingle(x) ? throughF64(i0e, x) : bessel(0, x, true); }
Scalar i1(Scalar x) { return isSingle(x) ? throughF64(i1, x) : bessel(1, x, false); }
Scalar i1e(Scalar x) { return isSingle(x) ? throughF64(i1e, x) : bessel(1, x, true); }

} // namespace weft
