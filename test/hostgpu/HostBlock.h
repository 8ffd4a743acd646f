// Printed CUDA C++ as host C++: what HostNvrtc.cpp puts before a program. A CUDA thread is a fiber. The threads of a
// block run one after the other, each from one __syncthreads() to the next; which is first alternates, so that whoever
// relies on another thread having run already is found out. The threads of a warp wait for each other at a shuffle too,
// whatever other warps do. Shared memory holds a pattern when a block starts.
//
// Under ThreadSanitizer a fiber is a thread to it, and a barrier a release and an acquire, so that it sees races
// between barriers whatever the order.
#pragma once
#include "HostKernel.h"

#include <cmath>
#include <cstring>
#include <sys/mman.h>
#include <type_traits>
#include <utility>

#define __device__ inline
#define __global__
#define __shared__ static __attribute__((section("hostgpu_shared")))
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)

// The bounds that the linker gives the section; weak, as a program may have none.
extern "C" {
extern unsigned char __start_hostgpu_shared[] __attribute__((weak, visibility("hidden")));
extern unsigned char __stop_hostgpu_shared[] __attribute__((weak, visibility("hidden")));
}

#define HOSTGPU_BARE __attribute__((noinline, disable_sanitizer_instrumentation))
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#else
static void *__tsan_get_current_fiber() { return nullptr; }
static void *__tsan_create_fiber(unsigned) { return nullptr; }
static void __tsan_destroy_fiber(void *) {}
static void __tsan_switch_to_fiber(void *, unsigned) {}
constexpr unsigned __tsan_switch_to_fiber_no_sync = 1;
static void __tsan_acquire(void *) {}
static void __tsan_release(void *) {}
#endif

struct HostDimensions {
  unsigned x;
};
static HostDimensions threadIdx, blockIdx, blockDim, gridDim;
static unsigned char *hostDynamicShared;

namespace hostgpu {

constexpr unsigned kMostThreads = 1024, kWarp = 32;
constexpr size_t kStackBytes = 128 * 1024;

struct Fiber {
  void *stack;       // where it goes on
  const void *place; // the barrier or shuffle at which it waits; null: it is done
  bool shuffles;     // it waits for its warp
  unsigned barriers, shuffleCount;
  void *sanitizer; // ThreadSanitizer's
};
static Fiber fibers[kMostThreads], scheduler;
static unsigned long long exchanged[2][kMostThreads]; // by shuffles, in turns
static char barrierMarks[2], startMark, endMark;      // what ThreadSanitizer knows a happening by
static const Kernel *runningKernel;
static void *const *runningArguments;

// Keeps what a function must, on its stack, and takes up another one.
__attribute__((naked, noinline, disable_sanitizer_instrumentation)) static void switchStacks(void **, void *) {
  asm("pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
      "movq %rsp, (%rdi)\n"
      "movq %rsi, %rsp\n"
      "popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp\n"
      "ret");
}
HOSTGPU_BARE static void switchTo(Fiber &from, Fiber &to) {
  __tsan_switch_to_fiber(to.sanitizer, __tsan_switch_to_fiber_no_sync);
  switchStacks(&from.stack, to.stack);
  asm volatile("" ::: "memory"); // others wrote what the compiler took for nobody else's
}

HOSTGPU_BARE static void runThread() {
  Fiber &self = fibers[threadIdx.x];
  __tsan_acquire(&startMark);
  runningKernel->call(runningArguments);
  __tsan_release(&endMark);
  self.place = nullptr;
  switchTo(self, scheduler);
  __builtin_trap();
}

HOSTGPU_BARE static void startThread(unsigned t, unsigned char *stacks) {
  void **top = reinterpret_cast<void **>(stacks + (t + 1) * kStackBytes);
  *--top = nullptr; // the return address of runThread(), and the alignment that a function finds
  *--top = reinterpret_cast<void *>(&runThread);
  for (int saved = 0; saved < 6; ++saved)
    *--top = nullptr;
  fibers[t] = {top, nullptr, false, 0, 0, __tsan_create_fiber(0)};
}

// Runs a warp's threads to the next barrier, or the end.
HOSTGPU_BARE static bool runWarp(unsigned first, bool backwards) {
  const unsigned threads = blockDim.x - first < kWarp ? blockDim.x - first : kWarp;
  do {
    for (unsigned i = 0; i < threads; ++i) {
      threadIdx.x = first + (backwards ? threads - 1 - i : i);
      fibers[threadIdx.x].shuffles = false;
      switchTo(scheduler, fibers[threadIdx.x]);
    }
    for (unsigned t = first; t < first + threads; ++t)
      if (fibers[t].place != fibers[first].place)
        return false;
    backwards = !backwards;
  } while (fibers[first].shuffles);
  return true;
}

HOSTGPU_BARE static const char *runBlock(unsigned char *stacks) {
  const unsigned threads = blockDim.x;
  std::memset(__start_hostgpu_shared, 0xCB, size_t(__stop_hostgpu_shared - __start_hostgpu_shared));
  __tsan_release(&startMark);
  for (unsigned t = 0; t < threads; ++t)
    startThread(t, stacks);
  const char *problem = nullptr;
  bool running = true;
  for (bool backwards = true; running && !problem; backwards = !backwards) {
    const unsigned warps = (threads + kWarp - 1) / kWarp;
    for (unsigned i = 0; i < warps && !problem; ++i)
      if (!runWarp((backwards ? warps - 1 - i : i) * kWarp, backwards))
        problem = "the threads of a warp wait at different barriers or shuffles, or some are done while others wait";
    running = fibers[0].place;
    for (unsigned t = 1; t < threads && !problem; ++t)
      if (fibers[t].place != fibers[0].place)
        problem = "the threads of a block wait at different barriers, or some are done while others wait";
  }
  __tsan_acquire(&endMark);
  for (unsigned t = 0; t < threads; ++t)
    __tsan_destroy_fiber(fibers[t].sanitizer);
  return problem;
}

HOSTGPU_BARE static const char *runGrid(const Kernel &kernel, const Launch &launch) {
  static auto *stacks = static_cast<unsigned char *>(mmap(nullptr, kMostThreads * kStackBytes, PROT_READ | PROT_WRITE,
                                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  runningKernel = &kernel;
  runningArguments = launch.arguments;
  gridDim.x = launch.blocks;
  blockDim.x = launch.threads;
  hostDynamicShared = launch.dynamicShared;
  scheduler.sanitizer = __tsan_get_current_fiber();
  for (unsigned i = 0; i < launch.blocks; ++i) {
    blockIdx.x = launch.blocks - 1 - i;
    std::memset(hostDynamicShared, 0xCB, launch.dynamicBytes);
    if (const char *problem = runBlock(stacks))
      return problem;
  }
  return nullptr;
}

static size_t staticShared() { return size_t(__stop_hostgpu_shared - __start_hostgpu_shared); }

template <auto kernel> struct Entry;
template <class... A, void (*kernel)(A...)> struct Entry<kernel> {
  static_assert(((sizeof(A) == 8) && ...));
  static constexpr bool isPointer[] = {std::is_pointer_v<A>..., false};
  template <size_t... i> static void callWith(void *const *arguments, std::index_sequence<i...>) {
    kernel(*static_cast<A *>(arguments[i])...);
  }
  static void call(void *const *arguments) { callWith(arguments, std::index_sequence_for<A...>()); }
  static constexpr Kernel named(const char *name, int mostThreads, size_t ownShared) {
    return {name, mostThreads, ownShared, int(sizeof...(A)), isPointer, &call};
  }
};

template <class To, class From> To bitsAs(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}

} // namespace hostgpu

// Neither copied nor moved by the compiler, so that a barrier is known by where it is.
__attribute__((convergent)) HOSTGPU_BARE static void __syncthreads() {
  using namespace hostgpu;
  Fiber &self = fibers[threadIdx.x];
  self.place = __builtin_return_address(0);
  char *mark = &barrierMarks[self.barriers++ % 2]; // what comes after the next barrier is not what this one orders
  __tsan_release(mark);
  switchTo(self, scheduler);
  __tsan_acquire(mark);
}

// The value of the thread of the warp whose number differs in these bits; all threads of the warp call it.
template <class T> __attribute__((convergent)) HOSTGPU_BARE static T __shfl_xor_sync(unsigned, T value, int bits) {
  using namespace hostgpu;
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  Fiber &self = fibers[threadIdx.x];
  const unsigned turn = self.shuffleCount++ % 2, from = threadIdx.x ^ unsigned(bits);
  std::memcpy(&exchanged[turn][threadIdx.x], &value, sizeof(T));
  self.place = __builtin_return_address(0);
  self.shuffles = true;
  switchTo(self, scheduler);
  std::memcpy(&value, &exchanged[turn][from], sizeof(T));
  return value;
}

// A float made of bits: where they are a NaN's, Clang would put it in the place of any other NaN, or the other way
// round; NVRTC does not.
template <class To, class From> static To hostFloatOf(From x) {
  To y = hostgpu::bitsAs<To>(x);
  asm("" : "+x"(y));
  return y;
}
static float __int_as_float(int x) { return hostFloatOf<float>(x); }
static float __uint_as_float(unsigned x) { return hostFloatOf<float>(x); }
static int __float_as_int(float x) { return hostgpu::bitsAs<int>(x); }
static unsigned __float_as_uint(float x) { return hostgpu::bitsAs<unsigned>(x); }
static double __longlong_as_double(long long x) { return hostFloatOf<double>(x); }
static long long __double_as_longlong(double x) { return hostgpu::bitsAs<long long>(x); }
static float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
static float __fsqrt_rn(float x) { return std::sqrt(x); }
static double __dsqrt_rn(double x) { return std::sqrt(x); }
static unsigned __brev(unsigned x) { return __builtin_bitreverse32(x); }
static bool signbit(float x) { return std::signbit(x); }
static bool signbit(double x) { return std::signbit(x); }
static float hostFromF16(unsigned short x) { return float(hostgpu::bitsAs<_Float16>(x)); }
static unsigned short hostToF16(float x) { return hostgpu::bitsAs<unsigned short>(static_cast<_Float16>(x)); }
