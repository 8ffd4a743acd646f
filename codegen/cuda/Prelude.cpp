#include "codegen/cuda/Prelude.h"

namespace weft::cuda {

// Compiled by NVRTC with --fmad=false, so that + and * round each by itself. Division and sqrt are correctly rounded.
const char *const kPrelude = R"cuda(
template <class To, class From> struct WeftBits;
template <> struct WeftBits<float, int> { static __device__ float of(int x) { return __int_as_float(x); } };
template <> struct WeftBits<float, unsigned> { static __device__ float of(unsigned x) { return __uint_as_float(x); } };
template <> struct WeftBits<int, float> { static __device__ int of(float x) { return __float_as_int(x); } };
template <> struct WeftBits<double, long long> {
  static __device__ double of(long long x) { return __longlong_as_double(x); }
};
template <> struct WeftBits<double, unsigned long long> {
  static __device__ double of(unsigned long long x) { return __longlong_as_double((long long)x); }
};
template <> struct WeftBits<long long, double> {
  static __device__ long long of(double x) { return __double_as_longlong(x); }
};
template <> struct WeftBits<unsigned short, short> { static __device__ unsigned short of(short x) { return x; } };
template <> struct WeftBits<short, unsigned short> { static __device__ short of(unsigned short x) { return x; } };
template <class To, class From> __device__ To weftBits(From x) { return WeftBits<To, From>::of(x); }

__device__ float weftFma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ double weftFma(double a, double b, double c) { return __fma_rn(a, b, c); }
__device__ float weftRemainder(float x, float y) { return fmodf(x, y); } // exact
__device__ double weftRemainder(double x, double y) { return fmod(x, y); }
__device__ float weftFloor(float x) { return floorf(x); }
__device__ double weftFloor(double x) { return floor(x); }
__device__ float weftCeil(float x) { return ceilf(x); }
__device__ double weftCeil(double x) { return ceil(x); }
__device__ float weftTrunc(float x) { return truncf(x); }
__device__ double weftTrunc(double x) { return trunc(x); }
__device__ float weftRoundEven(float x) { return rintf(x); }
__device__ double weftRoundEven(double x) { return rint(x); }
__device__ float weftSqrt(float x) { return __fsqrt_rn(x); }
__device__ double weftSqrt(double x) { return __dsqrt_rn(x); }
__device__ float weftAbs(float x) { return fabsf(x); }
__device__ double weftAbs(double x) { return fabs(x); }
__device__ float weftCopySign(float x, float y) { return copysignf(x, y); }
__device__ double weftCopySign(double x, double y) { return copysign(x, y); }

__device__ float weftFromF16(unsigned short x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x));
  return y;
}
__device__ unsigned short weftToF16(float x) {
  unsigned short y;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x));
  return y;
}
__device__ float weftFromBF16(unsigned short x) { return __uint_as_float((unsigned)x << 16); }
__device__ unsigned short weftToBF16(float x) {
  unsigned bits = __float_as_uint(x);
  if (x != x)
    return (unsigned short)(bits >> 16 | 0x40);
  return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Neighbouring elements, which a thread loads and stores at once if they are whole: aligned, and all there.
template <class T, int count> struct __align__(sizeof(T) * count) WeftVector { T at[count]; };
template <class T, int count, class I>
__device__ void weftLoad(WeftVector<T, count> &vector, const T *from, I first, I end, bool whole) {
  if (whole) {
    vector = *(const WeftVector<T, count> *)(from + first);
    return;
  }
  for (int e = 0; e < count; ++e)
    vector.at[e] = from[first + e < end ? first + e : end - 1];
}
template <class T, int count, class I>
__device__ void weftStore(const WeftVector<T, count> &vector, T *to, I first, I end, bool whole) {
  if (whole) {
    *(WeftVector<T, count> *)(to + first) = vector;
    return;
  }
  for (int e = 0; e < count; ++e)
    if (first + e < end)
      to[first + e] = vector.at[e];
}

// Reductions: an operation with its identity; `Ordered` ones are taken in blocks of weftBlock.
template <class T> struct WeftUnsigned { using Type = T; };
template <> struct WeftUnsigned<signed char> { using Type = unsigned; };
template <> struct WeftUnsigned<short> { using Type = unsigned; };
template <> struct WeftUnsigned<int> { using Type = unsigned; };
template <> struct WeftUnsigned<long long> { using Type = unsigned long long; };
template <class T> constexpr bool weftIsFloat = false;
template <> constexpr bool weftIsFloat<float> = true;
template <> constexpr bool weftIsFloat<double> = true;

template <class T> struct WeftSum {
  using Value = T;
  static constexpr bool ordered = weftIsFloat<T>;
  static __device__ T identity() { return (T)(ordered ? -0.0 : 0); }
  static __device__ T combine(T a, T b) { return (T)((typename WeftUnsigned<T>::Type)a + (typename WeftUnsigned<T>::Type)b); }
};
template <class T> struct WeftProd {
  using Value = T;
  static constexpr bool ordered = weftIsFloat<T>;
  static __device__ T identity() { return (T)1; }
  static __device__ T combine(T a, T b) { return (T)((typename WeftUnsigned<T>::Type)a * (typename WeftUnsigned<T>::Type)b); }
};
template <class T> __device__ T weftLowest() {
  if constexpr (sizeof(T) == 4 && weftIsFloat<T>)
    return -__int_as_float(0x7f800000);
  else if constexpr (weftIsFloat<T>)
    return -__longlong_as_double(0x7ff0000000000000ll);
  else
    return (T)(1ull << (8 * sizeof(T) - 1));
}
template <class T> __device__ T weftHighest() {
  if constexpr (weftIsFloat<T>)
    return -weftLowest<T>();
  else
    return (T)~weftLowest<T>();
}
// NaN wins; of two zeros +0 is the larger.
template <class T> __device__ bool weftIsNegative(T x) {
  if constexpr (weftIsFloat<T>)
    return signbit(x);
  else
    return x < 0;
}
template <class T> struct WeftMax {
  using Value = T;
  static constexpr bool ordered = false;
  static __device__ T identity() { return weftLowest<T>(); }
  static __device__ T combine(T a, T b) {
    return a != a ? a : b != b ? b : a > b ? a : b > a ? b : weftIsNegative(a) ? b : a;
  }
};
template <class T> struct WeftMin {
  using Value = T;
  static constexpr bool ordered = false;
  static __device__ T identity() { return weftHighest<T>(); }
  static __device__ T combine(T a, T b) {
    return a != a ? a : b != b ? b : a < b ? a : b < a ? b : weftIsNegative(a) ? a : b;
  }
};
template <class T> struct WeftAny {
  using Value = T;
  static constexpr bool ordered = false;
  static __device__ T identity() { return (T)0; }
  static __device__ T combine(T a, T b) { return (T)(a | b); }
};
template <class T> struct WeftAll {
  using Value = T;
  static constexpr bool ordered = false;
  static __device__ T identity() { return (T)1; }
  static __device__ T combine(T a, T b) { return (T)(a & b); }
};
template <class T> struct WeftPlace {
  T value;
  long long index;
};
template <class T, bool isMax> struct WeftArg {
  using Value = WeftPlace<T>;
  static constexpr bool ordered = false;
  static __device__ Value identity() { return {isMax ? weftLowest<T>() : weftHighest<T>(), 0x7fffffffffffffffll}; }
  static __device__ Value combine(Value a, Value b) {
    bool aNan = a.value != a.value, bNan = b.value != b.value;
    bool better = (isMax ? b.value > a.value : b.value < a.value) || (bNan && !aNan);
    bool equal = a.value == b.value || (aNan && bNan);
    return better || (equal && b.index < a.index) ? b : a;
  }
};
)cuda";

} // namespace weft::cuda
