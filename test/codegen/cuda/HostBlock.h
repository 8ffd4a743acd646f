// Printed CUDA C++ as host C++: put before a kernel's source (HostDevice.cpp), it runs a block's threads one after the
// other, each from one __syncthreads() to the next, on stacks of their own.
#pragma once
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <utility>

#define __device__
#define __global__
#define __shared__ static
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(n)

struct WeftPlaceInGrid {
  unsigned x;
};
static WeftPlaceInGrid threadIdx, blockIdx, blockDim, gridDim;
alignas(64) static unsigned char weftScratch[256 * 1024];

static ucontext_t weftScheduler, weftThreads[256];
static bool weftDone[256];
static void *weftKernel;
static const long long *weftArguments;

static void __syncthreads() { swapcontext(&weftThreads[threadIdx.x], &weftScheduler); }

template <std::size_t... i> void weftCall(std::index_sequence<i...>) {
  reinterpret_cast<void (*)(decltype((void)i, 0ll)...)>(weftKernel)(weftArguments[i]...);
}
static void weftThread() {
  weftCall(std::make_index_sequence<32>());
  weftDone[threadIdx.x] = true;
}

// 32 arguments of 8 bytes each; kernels look at as many as they have.
extern "C" void weftLaunch(void *kernel, const long long *arguments, unsigned blocks, unsigned threads) {
  static char *stacks = static_cast<char *>(std::malloc(256 * 65536));
  weftKernel = kernel;
  weftArguments = arguments;
  gridDim.x = blocks;
  blockDim.x = threads;
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
    for (unsigned t = 0; t < threads; ++t) {
      weftDone[t] = false;
      getcontext(&weftThreads[t]);
      weftThreads[t].uc_stack.ss_sp = stacks + t * 65536;
      weftThreads[t].uc_stack.ss_size = 65536;
      weftThreads[t].uc_link = &weftScheduler;
      makecontext(&weftThreads[t], weftThread, 0);
    }
    for (bool running = true; running;) {
      running = false;
      // Backwards: who relies on thread 0 having run first is found out.
      for (unsigned t = threads; t-- > 0;) {
        if (weftDone[t])
          continue;
        threadIdx.x = t;
        swapcontext(&weftScheduler, &weftThreads[t]);
        running = true;
      }
    }
  }
}

template <class To, class From> To weftHostBits(From x) {
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}
static float __int_as_float(int x) { return weftHostBits<float>(x); }
static float __uint_as_float(unsigned x) { return weftHostBits<float>(x); }
static int __float_as_int(float x) { return weftHostBits<int>(x); }
static unsigned __float_as_uint(float x) { return weftHostBits<unsigned>(x); }
static double __longlong_as_double(long long x) { return weftHostBits<double>(x); }
static long long __double_as_longlong(double x) { return weftHostBits<long long>(x); }
static float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
static float __fsqrt_rn(float x) { return std::sqrt(x); }
static double __dsqrt_rn(double x) { return std::sqrt(x); }
static unsigned __brev(unsigned x) { return __builtin_bitreverse32(x); }
static bool signbit(float x) { return std::signbit(x); }
static bool signbit(double x) { return std::signbit(x); }
static float weftHostFromF16(unsigned short x) { return weftHostBits<_Float16>(x); }
static unsigned short weftHostToF16(float x) { return weftHostBits<unsigned short>(static_cast<_Float16>(x)); }
