// The elementary functions in double by the C library's vector functions (libmvec, at most 4 ulp): quick enough to
// find, among all float32 arguments, the few whose error must be measured in long double.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace screen {

#ifdef __AVX512F__
typedef double Vector __attribute__((vector_size(64)));
#define WEFT_LIBMVEC(name) _ZGVeN8v_##name
#else
typedef double Vector __attribute__((vector_size(32)));
#define WEFT_LIBMVEC(name) _ZGVdN4v_##name
#endif
constexpr long kLanes = sizeof(Vector) / sizeof(double);
constexpr long kBlock = 256; // arguments that are looked at at once

// clang-format off
#define WEFT_VECTOR_FUNCTIONS(X)                                                                                       \
  X(exp) X(exp2) X(expm1) X(log) X(log2) X(log10) X(log1p) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh)        \
  X(cosh) X(tanh) X(asinh) X(acosh) X(atanh) X(erf) X(erfc) X(cbrt)
// clang-format on

#define WEFT_DECLARE(name) extern "C" Vector WEFT_LIBMVEC(name)(Vector);
WEFT_VECTOR_FUNCTIONS(WEFT_DECLARE)
#undef WEFT_DECLARE

// float32 arguments to double results; n is a multiple of kBlock.
using Function = void (*)(const float *x, double *y, long n);

template <Vector (*function)(Vector)> void apply(const float *x, double *y, long n) {
  for (long i = 0; i < n; i += kLanes) {
    Vector argument;
    for (long lane = 0; lane < kLanes; ++lane)
      argument[lane] = x[i + lane];
    Vector result = function(argument);
    std::memcpy(y + i, &result, sizeof result);
  }
}

#define WEFT_DEFINE(name)                                                                                              \
  inline Vector name(Vector x) { return WEFT_LIBMVEC(name)(x); }
WEFT_VECTOR_FUNCTIONS(WEFT_DEFINE)
#undef WEFT_DEFINE
inline Vector sigmoid(Vector x) { return 1 / (1 + exp(-x)); }
inline Vector rsqrt(Vector x) {
  for (long lane = 0; lane < kLanes; ++lane)
    x[lane] = std::sqrt(x[lane]);
  return 1 / x;
}

// Whether `got` may be further than `ulp` units in the last place from the value that `reference` approximates.
inline bool mayExceed(float got, double reference, double ulp) {
  uint64_t bits;
  std::memcpy(&bits, &reference, sizeof bits);
  // 2^-(exponent - 23), the exponent being at least -126.
  int64_t exponent = int64_t(bits >> 52 & 0x7ff) - 1023;
  uint64_t scaleBits = uint64_t(1023 + 23 - (exponent < -126 ? -126 : exponent)) << 52;
  double scale;
  std::memcpy(&scale, &scaleBits, sizeof scale);
  if (got != got || reference != reference)
    return got == got || reference == reference;
  if (float(reference) == got && (std::isinf(got) || reference == 0))
    return std::signbit(reference) != std::signbit(got);
  return reference == 0 || !(std::fabs(double(got) - reference) * scale < ulp - 1e-6);
}

// Whether that is so of any of a block.
inline bool anyMayExceed(const float *got, const double *reference, double ulp) {
  bool any = false;
  for (long i = 0; i < kBlock; ++i)
    any |= mayExceed(got[i], reference[i], ulp);
  return any;
}

} // namespace screen
