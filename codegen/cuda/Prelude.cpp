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

__shared__ __align__(16) unsigned char weftShared[64 * 16];

// The tree over the 64 lanes; thread t holds lane t, threads from 64 on none. All threads get the result.
template <class Op> __device__ typename Op::Value weftTree(typename Op::Value lane) {
  using T = typename Op::Value;
  T *shared = (T *)weftShared;
  int t = threadIdx.x;
  __syncthreads();
  if (t < 64)
    shared[t] = lane;
  __syncthreads();
  for (int half = 32; half; half /= 2) {
    if (t < half)
      shared[t] = Op::combine(shared[t], shared[t + half]);
    __syncthreads();
  }
  return shared[0];
}

template <class Op, class F> __device__ typename Op::Value weftReduceBlock(long long lower, long long upper, F element) {
  typename Op::Value lane = Op::identity();
  if (threadIdx.x < 64)
    for (long long i = lower + threadIdx.x; i < upper; i += 64)
      lane = Op::combine(lane, element(i));
  return weftTree<Op>(lane);
}

// By all threads of a block together.
template <class Op, class F> __device__ typename Op::Value weftReduce(long long count, F element) {
  long long blocks = (count + weftBlock - 1) / weftBlock;
  if (!Op::ordered || blocks <= 1)
    return weftReduceBlock<Op>(0, count, element);
  typename Op::Value second = Op::identity(), third = second;
  for (long long block = 0; block < blocks; ++block) {
    long long lower = block * weftBlock, upper = lower + weftBlock < count ? lower + weftBlock : count;
    typename Op::Value sum = weftReduceBlock<Op>(lower, upper, element);
    if (threadIdx.x == (block & 63))
      second = Op::combine(second, sum);
    if (blocks > weftBlock && (block % weftBlock == weftBlock - 1 || block == blocks - 1)) {
      sum = weftTree<Op>(second);
      if (threadIdx.x == (block / weftBlock & 63))
        third = Op::combine(third, sum);
      second = Op::identity();
    }
  }
  return weftTree<Op>(blocks > weftBlock ? third : second);
}

// By one thread. Lanes are taken in bit-reversed order, so that partial trees are few.
template <class Op, class F> __device__ typename Op::Value weftSerialTree(long long count, F lane) {
  int bits = 0;
  while (bits < 6 && (1 << bits) < count)
    ++bits;
  typename Op::Value partial[7];
  for (int j = 0; j < (1 << bits); ++j) {
    typename Op::Value sum = lane(bits ? (int)(__brev((unsigned)j) >> (32 - bits)) : 0);
    int level = 0;
    for (; j >> level & 1; ++level)
      sum = Op::combine(partial[level], sum);
    partial[level] = sum;
  }
  return partial[bits];
}
// `add(sum, i)` is what a lane's accumulator becomes by element i.
template <class Op, class F>
__device__ typename Op::Value weftSerialBlock(long long lower, long long upper, F add) {
  return weftSerialTree<Op>(upper - lower, [&](int l) {
    typename Op::Value sum = Op::identity();
    for (long long i = lower + l; i < upper; i += 64)
      sum = add(sum, i);
    return sum;
  });
}
template <class Op, class F> __device__ typename Op::Value weftAccumulateSerially(long long count, F add) {
  if (!Op::ordered) {
    typename Op::Value sum = Op::identity();
    for (long long i = 0; i < count; ++i)
      sum = add(sum, i);
    return sum;
  }
  long long blocks = (count + weftBlock - 1) / weftBlock;
  if (blocks <= 1)
    return weftSerialBlock<Op>(0, count, add);
  typename Op::Value second[64], third[64];
  for (int l = 0; l < 64; ++l)
    second[l] = third[l] = Op::identity();
  for (long long block = 0; block < blocks; ++block) {
    long long lower = block * weftBlock, upper = lower + weftBlock < count ? lower + weftBlock : count;
    second[block & 63] = Op::combine(second[block & 63], weftSerialBlock<Op>(lower, upper, add));
    if (blocks > weftBlock && (block % weftBlock == weftBlock - 1 || block == blocks - 1)) {
      int l = (int)(block / weftBlock & 63);
      third[l] = Op::combine(third[l], weftSerialTree<Op>(64, [&](int i) { return second[i]; }));
      for (int i = 0; i < 64; ++i)
        second[i] = Op::identity();
    }
  }
  return weftSerialTree<Op>(64, [&](int l) { return blocks > weftBlock ? third[l] : second[l]; });
}
template <class Op, class F> __device__ typename Op::Value weftReduceSerially(long long count, F element) {
  return weftAccumulateSerially<Op>(
      count, [&](typename Op::Value sum, long long i) { return Op::combine(sum, element(i)); });
}

// Where an element of a convolution's windows is in the input, less than 0 outside (ir/kernel/Windows.h): w describes them.
__device__ long long weftWindow(long long row, long long column, const long long *w) {
  long long offset = row % w[0] * w[1], position = row / w[0], result = column % w[3];
  bool inside = true;
  offset += column / w[3] * w[2];
  for (int axis = 2; axis >= 0; --axis) {
    const long long *a = w + 4 + 7 * axis;
    long long at = result % a[0] * a[4] + position % a[1] * a[5] - a[6];
    result /= a[0];
    position /= a[1];
    inside = inside && at >= 0 && at < a[2];
    offset += at * a[3];
  }
  return inside ? offset : -1;
}

// Products: 256 threads, 4 x 4 results each, tiles of 64 x 64 and 16 along k. Sums go in chains, and these in groups,
// or in one chain.
__device__ float weftMultiplyAdd(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ double weftMultiplyAdd(double a, double b, double c) { return __fma_rn(a, b, c); }
template <class T> __device__ T weftMultiplyAdd(T a, T b, T c) {
  using U = typename WeftUnsigned<T>::Type;
  return (T)((U)a * (U)b + (U)c);
}
// In the order of pairs no number is subnormal: what is, after rounding as if exponents had no end, is a zero of its sign.
__device__ float weftFlush(float x, float measured, float least) {
  return fabsf(measured) < least ? copysignf(0.0f, x) : x;
}
__device__ float weftFlush(float x) { return weftFlush(x, x, 1.17549435e-38f); }
struct WeftInOrder {
  static constexpr int together = 1;
  template <class T> static __device__ T operand(T x) { return x; }
  template <class T> static __device__ T multiplyAdd(T a, T b, T c) { return weftMultiplyAdd(a, b, c); }
  template <class T> static __device__ T add(T a, T b) { return WeftSum<T>::combine(a, b); }
};
struct WeftInPairs {
  static constexpr int together = 2;
  static __device__ float operand(float x) { return weftFlush(x); }
  static __device__ float multiplyAdd(float a, float b, float c) {
    const float scale = 18446744073709551616.0f, least = 2.16840434e-19f; // 2^64 and 2^-62
    return weftFlush(__fmaf_rn(a, b, c), __fmaf_rn(a * scale, b, c * scale), least);
  }
  static __device__ float add(float a, float b) { return weftFlush(a + b); }
};
template <bool unbroken, class Order, class T, class A, class B, class Epilogue>
__device__ void weftContract(long long depth, long long rowBegin, long long rowEnd, long long columnBegin,
                             long long columnEnd, A loadA, B loadB, Epilogue epilogue) {
  __shared__ T a[16][64 + 1], b[16][64 + 1];
  int t = threadIdx.x, tx = t % 16, ty = t / 16;
  for (long long row = rowBegin; row < rowEnd; row += 64)
    for (long long column = columnBegin; column < columnEnd; column += 64) {
      T total[4][4], group[4][4], sum[4][4];
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j)
          total[i][j] = group[i][j] = sum[i][j] = (T)0;
      // Adds the chain that ends at k to its group, and the group that ends there to the total.
      auto endChain = [&](long long k, bool endsGroup) {
        long long first = (k - 1) / weftProductGroup * weftProductGroup;
        for (int i = 0; i < 4; ++i)
          for (int j = 0; j < 4; ++j) {
            group[i][j] = k - first <= weftProductBlock ? sum[i][j] : Order::add(group[i][j], sum[i][j]);
            sum[i][j] = (T)0;
            if (endsGroup)
              total[i][j] = first ? Order::add(total[i][j], group[i][j]) : group[i][j];
          }
      };
      for (long long k = 0; k < depth; k += 16) {
        if (!unbroken && k && k % weftProductBlock == 0)
          endChain(k, k % weftProductGroup == 0);
        __syncthreads();
        for (int e = t; e < 16 * 64; e += 256) {
          // Neighbouring threads read along k of A and along n of B.
          int ka = e % 16, m = e / 16, n = e % 64, kb = e / 64;
          a[ka][m] = Order::operand(k + ka < depth && row + m < rowEnd ? loadA(row + m, k + ka) : (T)0);
          b[kb][n] = Order::operand(k + kb < depth && column + n < columnEnd ? loadB(k + kb, column + n) : (T)0);
        }
        __syncthreads();
        int steps = depth - k < 16 ? (int)(depth - k) : 16;
        for (int l = 0; l < steps; l += Order::together)
          for (int e = Order::together - 1; e >= 0; --e)
            for (int i = 0; i < 4; ++i)
              for (int j = 0; j < 4; ++j)
                sum[i][j] = Order::multiplyAdd(a[l + e][ty + 16 * i], b[l + e][tx + 16 * j], sum[i][j]);
      }
      if (!unbroken && depth)
        endChain(depth, true);
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) {
          long long m = row + ty + 16 * i, n = column + tx + 16 * j;
          if (m < rowEnd && n < columnEnd)
            epilogue(m, n, unbroken ? sum[i][j] + (T)0 : total[i][j]);
        }
    }
  __syncthreads();
}
)cuda";

} // namespace weft::cuda
