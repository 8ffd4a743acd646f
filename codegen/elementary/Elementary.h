// Elementary functions as straight-line arithmetic on Scalar: no branches, tables or calls, so that they vectorise on
// CPUs, run on GPUs, and give the same bits on both. Arguments are f32 or f64 (callers widen 16-bit floats).
//
// Error against the exact result, subnormal arguments and results included: at most 1 ulp in f32 and about 2 ulp in
// f64. Special cases (zeros with sign, infinities, NaN) are C99's. Where a f32 function is not hot it is evaluated in
// f64.
#pragma once
#include "codegen/elementary/Scalar.h"

namespace weft {

// ElementaryExp.cpp. Argument reduction after Cody & Waite, "Software Manual for the Elementary Functions" (1980), with
// fused multiply-adds as in Muller et al., "Handbook of Floating-Point Arithmetic" (2018), chapter 10.
Scalar exp(Scalar x);
Scalar exp2(Scalar x);
Scalar expm1(Scalar x);
Scalar sinh(Scalar x);
Scalar cosh(Scalar x);
Scalar tanh(Scalar x);
Scalar sigmoid(Scalar x); // 1 / (1 + exp(-x))

// ElementaryLog.cpp. f64: the atanh series in s = f / (2 + f) of Sun's fdlibm (K. C. Ng, 1993).
Scalar log(Scalar x);
Scalar log2(Scalar x);
Scalar log10(Scalar x);
Scalar log1p(Scalar x);
Scalar asinh(Scalar x);
Scalar acosh(Scalar x);
Scalar atanh(Scalar x);

// ElementaryTrig.cpp. Arguments of any size: reduction by pi / 2 in three parts (Cody & Waite) for moderate ones, by
// multiplying with as many bits of 2 / pi as needed (Payne & Hanek, 1983) for large ones.
Scalar sin(Scalar x);
Scalar cos(Scalar x);
Scalar tan(Scalar x);
Scalar sinc(Scalar x); // sin(pi x) / (pi x)

// ElementaryArc.cpp. Reductions as in Moshier's Cephes (1989).
Scalar asin(Scalar x);
Scalar acos(Scalar x);
Scalar atan(Scalar x);
Scalar atan2(Scalar y, Scalar x);

// ElementaryErf.cpp. erfc after Schonfelder, "Chebyshev expansions for the error and related functions" (1978).
Scalar erf(Scalar x);
Scalar erfc(Scalar x);

// ElementaryInverse.cpp: of erf, of the normal distribution's function, and of the logistic function, by Halley's
// method and logarithms.
Scalar erfinv(Scalar x);
Scalar ndtri(Scalar p);
Scalar logit(Scalar x);

// ElementaryGamma.cpp, with Stirling's and Euler and Maclaurin's series (Abramowitz & Stegun, 6.1.40, 6.4.11, 23.2.5).
// A few ulp in f64; near the roots of lgamma and digamma, but 1 and 2, the error is relative to 1.
Scalar lgamma(Scalar x);                   // log(|gamma(x)|)
Scalar polygamma(int64_t order, Scalar x); // the derivatives of lgamma from the first, which is order 0
Scalar zeta(Scalar s, Scalar q);           // the sum of (q + k)^-s over k >= 0, for s > 1; NaN for q < 0

// ElementaryBessel.cpp: the modified Bessel functions of the first kind, and exp(-|x|) times them.
Scalar i0(Scalar x);
Scalar i0e(Scalar x);
Scalar i1(Scalar x);
Scalar i1e(Scalar x);

// ElementaryPower.cpp. The logarithm as an unevaluated sum of two numbers (Dekker, 1971).
Scalar pow(Scalar x, Scalar y);
Scalar rsqrt(Scalar x); // 1 / sqrt(x), each correctly rounded
Scalar cbrt(Scalar x);

// ElementaryRandom.cpp. Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): the key is
// `seed`, the counter (counter, 0); both are i64. `type` is f32 or f64.
Scalar uniform01(Scalar seed, Scalar counter, mlir::Type type, int bits);   // in [0, 1), a multiple of 2^-bits
Scalar randomInteger(Scalar seed, Scalar counter, Scalar low, Scalar high); // i64 in [low, high)
Scalar normal01(Scalar seed, Scalar counter, mlir::Type type);              // Box & Muller (1958)

} // namespace weft
