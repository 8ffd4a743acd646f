#include "codegen/cuda/Prelude.h"

namespace weft::cuda {

// The canonical order (ir/kernel/CanonicalOrder.h) has 64 lanes, of which a thread holds some: a tree over them goes
// through the thread's own, by shuffles through its warp's, or through shared memory.
const char *const kReductions = R"cuda(
template <class T> __device__ T weftPartner(T x, int distance) {
  if constexpr (sizeof(T) < 4)
    return (T)__shfl_xor_sync(0xffffffffu, (int)x, distance);
  else
    return __shfl_xor_sync(0xffffffffu, x, distance);
}
template <class T> __device__ WeftPlace<T> weftPartner(WeftPlace<T> x, int distance) {
  return {weftPartner(x.value, distance), weftPartner(x.index, distance)};
}
// The tree over 64 lanes, of which thread t of a warp holds t and t + 32. All threads get the result.
template <class Op> __device__ typename Op::Value weftWarpTree(typename Op::Value low, typename Op::Value high) {
  typename Op::Value sum = Op::combine(low, high);
  #pragma unroll
  for (int half = 16; half; half /= 2) {
    typename Op::Value other = weftPartner(sum, half);
    bool isLow = !(threadIdx.x & half);
    sum = Op::combine(isLow ? sum : other, isLow ? other : sum);
  }
  return sum;
}
// By a warp, elements [lower, upper) of a block.
template <class Op, class F> __device__ typename Op::Value weftWarpBlock(long long lower, long long upper, F element) {
  typename Op::Value low = Op::identity(), high = low;
  int count = (int)(upper - lower), t = threadIdx.x % 32, i = t;
  #pragma unroll 4
  for (; i + 32 < count; i += 64) {
    typename Op::Value first = element(lower + i), second = element(lower + i + 32);
    low = Op::combine(low, first);
    high = Op::combine(high, second);
  }
  if (i < count)
    low = Op::combine(low, element(lower + i));
  return weftWarpTree<Op>(low, high);
}

// By all threads of a block together, who all get the result; `shared` is for 64 values. A warp takes a block of elements.
template <class Op, class F> __device__ typename Op::Value weftReduce(void *memory, long long count, F element) {
  using T = typename Op::Value;
  T *shared = (T *)memory;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  if (!Op::ordered) {
    T value = Op::identity();
    #pragma unroll 4
    for (long long i = threadIdx.x; i < count; i += blockDim.x)
      value = Op::combine(value, element(i));
    value = weftWarpTree<Op>(value, Op::identity());
    if (warps == 1)
      return value;
    __syncthreads();
    if (lane == 0)
      shared[warp] = value;
    __syncthreads();
    return weftWarpTree<Op>(lane < warps ? shared[lane] : Op::identity(), Op::identity());
  }
  const long long blocks = (count + weftBlock - 1) / weftBlock;
  if (warps == 1 && blocks <= 1)
    return weftWarpBlock<Op>(0, count, element);
  T second[2] = {Op::identity(), Op::identity()}, third[2] = {Op::identity(), Op::identity()};
  for (long long first = 0; first < blocks; first += 64) {
    __syncthreads();
    for (long long block = first + warp; block < blocks && block < first + 64; block += warps) {
      long long lower = block * weftBlock, upper = lower + weftBlock < count ? lower + weftBlock : count;
      T sum = weftWarpBlock<Op>(lower, upper, element);
      if (lane == 0)
        shared[block - first] = sum;
    }
    __syncthreads();
    if (blocks == 1)
      return shared[0];
    for (int h = 0; h < 2; ++h)
      if (first + lane + 32 * h < blocks)
        second[h] = Op::combine(second[h], shared[lane + 32 * h]);
    if (blocks > weftBlock && ((first + 64) % weftBlock == 0 || first + 64 >= blocks)) {
      T sum = weftWarpTree<Op>(second[0], second[1]);
      for (int h = 0; h < 2; ++h) {
        if ((first / weftBlock & 63) == lane + 32 * h)
          third[h] = Op::combine(third[h], sum);
        second[h] = Op::identity();
      }
    }
  }
  return blocks > weftBlock ? weftWarpTree<Op>(third[0], third[1]) : weftWarpTree<Op>(second[0], second[1]);
}

// The tree over 8 values, of lanes so far apart from each other as there are threads to a task.
template <class Op> __device__ typename Op::Value weftTreeOf8(const typename Op::Value *value) {
  typename Op::Value sum[8];
  #pragma unroll
  for (int u = 0; u < 8; ++u)
    sum[u] = value[u];
  #pragma unroll
  for (int half = 4; half; half /= 2)
    #pragma unroll
    for (int u = 0; u < half; ++u)
      sum[u] = Op::combine(sum[u], sum[u + half]);
  return sum[0];
}
// Lanes l, l + 8, ..., l + 56 of a block of elements, and the tree over these.
template <class Op, class F>
__device__ typename Op::Value weftLanesOf8(int l, long long lower, long long upper, F element) {
  typename Op::Value sum[8];
  #pragma unroll
  for (int u = 0; u < 8; ++u)
    sum[u] = Op::identity();
  #pragma unroll 2
  for (long long i = lower + l; i < upper; i += 64)
    #pragma unroll
    for (int u = 0; u < 8; ++u)
      if (i + 8 * u < upper)
        sum[u] = Op::combine(sum[u], element(i + 8 * u));
  return weftTreeOf8<Op>(sum);
}

// By `Group` in turn or together: what the lanes l, l + 8, ... for each l < 8 give, joined.
struct WeftAlone {
  template <class Op, class F> static __device__ typename Op::Value join(F part) {
    typename Op::Value parts[8];
    #pragma unroll 1
    for (int l = 0; l < 8; ++l)
      parts[l] = part(l);
    return weftTreeOf8<Op>(parts);
  }
};
// Eight threads a task: those of a block that are 32 apart. `memory` is for a value a thread.
struct WeftTogether {
  void *memory;
  template <class Op, class F> __device__ typename Op::Value join(F part) const {
    typename Op::Value *shared = (typename Op::Value *)memory, parts[8];
    typename Op::Value own = part((int)threadIdx.x / 32);
    __syncthreads();
    shared[threadIdx.x] = own;
    __syncthreads();
    #pragma unroll
    for (int l = 0; l < 8; ++l)
      parts[l] = shared[32 * l + threadIdx.x % 32];
    return weftTreeOf8<Op>(parts);
  }
};
template <class Op, class Group, class F>
__device__ typename Op::Value weftReduceBlockOf(const Group &group, long long lower, long long upper, F element) {
  return group.template join<Op>([&](int l) { return weftLanesOf8<Op>(l, lower, upper, element); });
}
// A task's reduction, by one thread or eight.
template <class Op, class Group, class F>
__device__ typename Op::Value weftReduceBy(const Group &group, long long count, F element) {
  using T = typename Op::Value;
  const long long blocks = (count + weftBlock - 1) / weftBlock;
  if (!Op::ordered || blocks <= 1)
    return weftReduceBlockOf<Op>(group, 0, count, element);
  T second[64], third[64];
  for (int l = 0; l < 64; ++l)
    second[l] = third[l] = Op::identity();
  for (long long block = 0; block < blocks; ++block) {
    long long lower = block * weftBlock, upper = lower + weftBlock < count ? lower + weftBlock : count;
    second[block & 63] = Op::combine(second[block & 63], weftReduceBlockOf<Op>(group, lower, upper, element));
    if (blocks > weftBlock && (block % weftBlock == weftBlock - 1 || block == blocks - 1)) {
      int l = (int)(block / weftBlock & 63);
      third[l] = Op::combine(third[l], weftReduceBlockOf<Op>(WeftAlone(), 0, 64, [&](long long i) { return second[i]; }));
      for (int i = 0; i < 64; ++i)
        second[i] = Op::identity();
    }
  }
  return weftReduceBlockOf<Op>(WeftAlone(), 0, 64, [&](long long l) { return blocks > weftBlock ? third[l] : second[l]; });
}
template <class Op, class F> __device__ typename Op::Value weftReduceSerially(long long count, F element) {
  if (count > 16)
    return weftReduceBy<Op>(WeftAlone(), count, element);
  // Each lane has an element at most: the tree over as many lanes as there are, to a power of two.
  typename Op::Value lanes[16];
  #pragma unroll
  for (int l = 0; l < 16; ++l)
    lanes[l] = l < count ? Op::combine(Op::identity(), element(l)) : Op::identity();
  #pragma unroll
  for (int half = 8; half; half /= 2)
    #pragma unroll
    for (int l = 0; l < half; ++l)
      lanes[l] = Op::combine(lanes[l], lanes[l + half]);
  return lanes[0];
}
template <class Op, class F> __device__ typename Op::Value weftReduceTogether(void *memory, long long count, F element) {
  return weftReduceBy<Op>(WeftTogether{memory}, count, element);
}
)cuda";

} // namespace weft::cuda
