#include "codegen/cuda/Prelude.h"

namespace weft::cuda {

const char *const kProducts = R"cuda(
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

// Products: 256 threads as 16 x 16 with R x C results each, in tiles of 16 R x 16 C results and 16 of the depth. While one
// tile is multiplied the next is on its way from global memory to registers; then it goes to the other half of shared
// memory. Sums go in chains, and these in groups, or in one chain. What a chain is added to is seldom touched, and thus
// not kept in registers.
constexpr int weftStep = 16, weftSide = 16;
template <int R, int C, class T> struct WeftTiles {
  // A thread's results are as neighbours as one load of shared memory takes: runs of such rows and columns, and what
  // lies between one run and the next.
  static constexpr int runR = R < 4 ? R : 4, runC = C < 4 ? C : 4, rows = weftSide * R, columns = weftSide * C;
  static constexpr int strideA = rows + 4, strideB = columns + 4;
  T a[2][weftStep][strideA], b[2][weftStep][strideB];
};
template <int R, int C, class T> constexpr int weftTileBytes = sizeof(WeftTiles<R, C, T>);
// A tile's elements in registers, `count` of a thread. alongDepth: neighbouring threads read along the depth.
template <bool alongDepth, int count, class T, class I, class Load>
__device__ void weftFetch(T (&to)[count], I first, I end, I k, I depth, Load load) {
  #pragma unroll
  for (int i = 0; i < count; ++i) {
    int e = threadIdx.x + 256 * i;
    I at = first + (alongDepth ? e / weftStep : e % (weftSide * count)), l = k + (alongDepth ? e % weftStep : e / (weftSide * count));
    to[i] = at < end && (depth % weftStep == 0 || l < depth) ? load(at, l) : (T)0;
  }
}
template <bool alongDepth, class Order, int count, int stride, class T>
__device__ void weftPlace(const T (&from)[count], T (&to)[weftStep][stride]) {
  #pragma unroll
  for (int i = 0; i < count; ++i) {
    int e = threadIdx.x + 256 * i;
    to[alongDepth ? e % weftStep : e / (weftSide * count)][alongDepth ? e / weftStep : e % (weftSide * count)] = Order::operand(from[i]);
  }
}
// A thread's elements of a row of a tile.
template <int run, int count, class T> __device__ void weftOfThread(T (&to)[count], const T *row, int thread) {
  #pragma unroll
  for (int g = 0; g < count / run; ++g) {
    WeftVector<T, run> values = *(const WeftVector<T, run> *)(row + g * weftSide * run + thread * run);
    #pragma unroll
    for (int i = 0; i < run; ++i)
      to[g * run + i] = values.at[i];
  }
}
template <int R, int C, bool depthOfA, bool depthOfB, bool unbroken, class Order, class T, class I, class A, class B, class Epilogue>
__device__ void weftContract(void *shared, I depth, I rowBegin, I rowEnd, I columnBegin, I columnEnd, A loadA, B loadB,
                             Epilogue epilogue) {
  using Tiles = WeftTiles<R, C, T>;
  Tiles &tiles = *(Tiles *)shared;
  const int tx = threadIdx.x % weftSide, ty = threadIdx.x / weftSide;
  for (I row = rowBegin; row < rowEnd; row += Tiles::rows)
    for (I column = columnBegin; column < columnEnd; column += Tiles::columns) {
      volatile T total[R * C], group[R * C];
      T sum[R * C] = {};
      // Adds the chain that ends at k to its group, and the group that ends there to the total.
      auto endChain = [&](I k, bool endsGroup, bool isLast) {
        I first = (k - 1) / (I)weftProductGroup * (I)weftProductGroup;
        bool beginsGroup = k - first <= (I)weftProductBlock;
        #pragma unroll
        for (int i = 0; i < R * C; ++i) {
          T whole = beginsGroup ? sum[i] : Order::add((T)group[i], sum[i]);
          if (endsGroup)
            whole = first ? Order::add((T)total[i], whole) : whole;
          if (isLast)
            sum[i] = whole;
          else {
            (endsGroup ? total : group)[i] = whole;
            sum[i] = (T)0;
          }
        }
      };
      T nextA[R], nextB[C];
      auto fetch = [&](I k) {
        weftFetch<depthOfA>(nextA, row, rowEnd, k, depth, loadA);
        weftFetch<depthOfB>(nextB, column, columnEnd, k, depth, loadB);
      };
      auto place = [&](int half) {
        weftPlace<depthOfA, Order>(nextA, tiles.a[half]);
        weftPlace<depthOfB, Order>(nextB, tiles.b[half]);
      };
      int half = 0;
      __syncthreads();
      if (depth) {
        fetch(0);
        place(0);
      }
      __syncthreads();
      auto multiply = [&](int l) {
        #pragma unroll
        for (int e = Order::together - 1; e >= 0; --e) {
          T x[R], y[C];
          weftOfThread<Tiles::runR>(x, tiles.a[half][l + e], ty);
          weftOfThread<Tiles::runC>(y, tiles.b[half][l + e], tx);
          #pragma unroll
          for (int i = 0; i < R; ++i)
            #pragma unroll
            for (int j = 0; j < C; ++j)
              sum[i * C + j] = Order::multiplyAdd(x[i], y[j], sum[i * C + j]);
        }
      };
      for (I chain = 0; chain < depth; chain += (I)weftProductBlock) {
        const I end = !unbroken && depth - chain > (I)weftProductBlock ? chain + (I)weftProductBlock : depth;
        for (I k = chain; k < end; k += weftStep) {
          bool more = k + weftStep < depth;
          if (more)
            fetch(k + weftStep);
          if (depth % weftStep == 0 || k + weftStep <= depth) {
            #pragma unroll(R * C > 16 ? 2 : 4)
            for (int l = 0; l < weftStep; l += Order::together)
              multiply(l);
          } else {
            #pragma unroll 1
            for (int l = 0; l < depth - k; l += Order::together)
              multiply(l);
          }
          half = !half;
          if (more)
            place(half);
          __syncthreads();
        }
        if (end == depth)
          break;
        endChain(end, end % (I)weftProductGroup == 0, false);
      }
      if (unbroken) {
        for (int i = 0; i < R * C; ++i)
          sum[i] = sum[i] + (T)0;
      } else if (depth)
        endChain(depth, true, true);
      // Through shared memory, so that neighbouring threads store neighbouring results; a run of rows of each thread a time.
      WeftVector<T, Tiles::runC> *results = (WeftVector<T, Tiles::runC> *)shared;
      constexpr int rows = weftSide * Tiles::runR;
      static_assert(rows * Tiles::columns * sizeof(T) <= sizeof(Tiles));
      #pragma unroll 1
      for (int g = 0; g < R / Tiles::runR; ++g) {
        #pragma unroll
        for (int i = 0; i < R * C; ++i)
          if (i / C / Tiles::runR == g)
            results[((ty * Tiles::runR + i / C % Tiles::runR) * Tiles::columns + i % C / Tiles::runC * weftSide * Tiles::runC) / Tiles::runC + tx]
                .at[i % Tiles::runC] = sum[i];
        __syncthreads();
        #pragma unroll 2
        for (int e = threadIdx.x; e < rows * Tiles::columns; e += 256) {
          I m = row + g * rows + e / Tiles::columns, n = column + e % Tiles::columns;
          if (m < rowEnd && n < columnEnd)
            epilogue(m, n, ((const T *)shared)[e]);
        }
        __syncthreads();
      }
    }
  __syncthreads();
}
)cuda";

} // namespace weft::cuda
