// On the host: the functions that codegen/cuda/ScalarPrinter.h calls.
#pragma once
#include <cmath>
#include <cstring>

template <typename To, typename From> inline To weftBits(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}
inline float weftFma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double weftFma(double a, double b, double c) { return __builtin_fma(a, b, c); }
template <typename T> inline T weftRemainder(T x, T y) { return std::fmod(x, y); }
template <typename T> inline T weftFloor(T x) { return std::floor(x); }
template <typename T> inline T weftCeil(T x) { return std::ceil(x); }
template <typename T> inline T weftTrunc(T x) { return std::trunc(x); }
inline float weftRoundEven(float x) { return __builtin_roundevenf(x); }
inline double weftRoundEven(double x) { return __builtin_roundeven(x); }
template <typename T> inline T weftSqrt(T x) { return std::sqrt(x); }
template <typename T> inline T weftAbs(T x) { return std::fabs(x); }
template <typename T> inline T weftCopySign(T x, T y) { return std::copysign(x, y); }
