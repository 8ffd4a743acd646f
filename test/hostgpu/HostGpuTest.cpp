// What the host GPU promises: it runs what is right, and finds what is wrong (README.md).
#include "codegen/cuda/Nvrtc.h"
#include "runtime/cuda/Streams.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <stdexcept>
#include <vector>

using namespace weft::cuda;

namespace {

// Threads hand their numbers to their neighbours by shared memory.
const char kRotate[] = R"(
__shared__ long long shared[64];
extern "C" __global__ void __launch_bounds__(64) rotate(long long *out, long long offset) {
  shared[threadIdx.x] = threadIdx.x + offset;
  BARRIER
  out[blockIdx.x * 64 + threadIdx.x] = shared[(threadIdx.x + 1) % 64];
}
extern "C" __global__ void __launch_bounds__(64) half(long long *out) {
  if (threadIdx.x < 32)
    __syncthreads();
  out[0] = 1;
}
extern "C" __global__ void __launch_bounds__(64) beyond(long long *out, long long place) { out[place] = 1; }
extern "C" __global__ void __launch_bounds__(64) dynamic(long long *out, long long place) {
  extern __shared__ __align__(16) unsigned char scratch[];
  if (threadIdx.x == 0)
    ((long long *)scratch)[place] = 3;
  out[0] = ((long long *)scratch)[place];
}
)";

std::string source(const std::string &barrier) {
  std::string text = kRotate;
  return text.replace(text.find("BARRIER"), 7, barrier);
}

class HostGpu : public testing::Test {
protected:
  void SetUp() override {
    stream = useDevice(0);
    load(source("__syncthreads();"));
  }
  void load(const std::string &text) {
    ASSERT_EQ(d.cuModuleLoadData(&module, compileToCubin(text, "sm_90").data()), 0);
  }
  void *kernel(const char *name) {
    void *found = nullptr;
    EXPECT_EQ(d.cuModuleGetFunction(&found, module, name), 0) << name;
    return found;
  }
  int launch(const char *name, std::vector<long long> values, unsigned blocks = 1, unsigned threads = 64,
             unsigned shared = 0) {
    std::vector<void *> arguments;
    for (long long &value : values)
      arguments.push_back(&value);
    return d.cuLaunchKernel(kernel(name), blocks, 1, 1, threads, 1, 1, shared, stream, arguments.data(), nullptr);
  }
  long long allocate(size_t bytes) {
    DevicePointer pointer = 0;
    EXPECT_EQ(d.cuMemAlloc_v2(&pointer, bytes), 0);
    return static_cast<long long>(pointer);
  }
  std::vector<long long> read(long long from, size_t count) {
    std::vector<long long> values(count);
    EXPECT_EQ(d.cuMemcpyDtoHAsync_v2(values.data(), DevicePointer(from), 8 * count, stream), 0);
    EXPECT_EQ(d.cuStreamSynchronize(stream), 0);
    return values;
  }

  const Driver &d = driver();
  void *stream = nullptr, *module = nullptr;
};
using HostGpuDeath = HostGpu; // what leaves the context unusable, in a process of its own

} // namespace

TEST_F(HostGpu, ThreadsMeetAtBarriers) {
  long long out = allocate(8 * 128);
  EXPECT_EQ(launch("rotate", {out, 5}, 2), 0);
  std::vector<long long> values = read(out, 128);
  for (int i = 0; i < 128; ++i)
    EXPECT_EQ(values[size_t(i)], (i + 1) % 64 + 5);
}

TEST_F(HostGpu, AMissingBarrierIsSeen) {
  load(source(""));
  long long out = allocate(8 * 64);
  EXPECT_EQ(launch("rotate", {out, 0}), 0);
  std::vector<long long> values = read(out, 64), right(64);
  for (int i = 0; i < 64; ++i)
    right[size_t(i)] = (i + 1) % 64;
  EXPECT_NE(values, right);
}

TEST_F(HostGpu, WorkWaitsUntilSomethingWaitsForIt) {
  long long out = allocate(8 * 64), back = 0;
  EXPECT_EQ(launch("rotate", {out, 0}), 0);
  EXPECT_EQ(d.cuMemcpyDtoHAsync_v2(&back, DevicePointer(out), 8, stream), 0);
  EXPECT_EQ(back, 0);
  EXPECT_EQ(d.cuStreamSynchronize(stream), 0);
  EXPECT_EQ(back, 1);
}

TEST_F(HostGpu, StreamsAreOrderedByEventsAlone) {
  long long out = allocate(8 * 64), early = 0, late = 0;
  void *first = stream, *second = newStream(0, 0), *event = nullptr;
  EXPECT_EQ(d.cuEventCreate(&event, 2), 0);
  EXPECT_EQ(launch("rotate", {out, 0}), 0);
  EXPECT_EQ(d.cuEventRecord(event, first), 0);
  EXPECT_EQ(d.cuMemcpyDtoHAsync_v2(&early, DevicePointer(out), 8, second), 0);
  EXPECT_EQ(d.cuStreamSynchronize(second), 0);
  EXPECT_NE(early, 1); // the other stream's work did not run
  EXPECT_EQ(d.cuStreamWaitEvent(second, event, 0), 0);
  EXPECT_EQ(d.cuMemcpyDtoHAsync_v2(&late, DevicePointer(out), 8, second), 0);
  EXPECT_EQ(d.cuStreamSynchronize(second), 0);
  EXPECT_EQ(late, 1);
  EXPECT_EQ(d.cuEventQuery(event), 0);
  EXPECT_EQ(launch("rotate", {out, 0}), 0);
  EXPECT_EQ(d.cuEventRecord(event, first), 0);
  EXPECT_EQ(d.cuEventQuery(event), kErrorNotReady);
  while (d.cuEventQuery(event) == kErrorNotReady) {
  }
  EXPECT_EQ(d.cuEventDestroy_v2(event), 0);
}

TEST_F(HostGpu, AGraphRunsWhatWasCaptured) {
  long long out = allocate(8 * 64);
  void *graph = nullptr, *instance = nullptr;
  stream = newStream(0, 0);
  EXPECT_EQ(d.cuStreamBeginCapture_v2(stream, 0), 0);
  EXPECT_EQ(launch("rotate", {out, 5}), 0);
  EXPECT_EQ(d.cuStreamEndCapture(stream, &graph), 0);
  EXPECT_EQ(d.cuGraphInstantiateWithFlags(&instance, graph, 0), 0);
  EXPECT_EQ(read(out, 1)[0], static_cast<long long>(0xCBCBCBCBCBCBCBCBull)); // it did not run yet
  EXPECT_NE(d.cuModuleUnload(module), 0);
  EXPECT_EQ(d.cuGraphLaunch(instance, stream), 0);
  EXPECT_EQ(read(out, 1)[0], 6);
  EXPECT_EQ(d.cuGraphExecDestroy(instance), 0);
  EXPECT_EQ(d.cuGraphDestroy(graph), 0);
}

TEST_F(HostGpu, ACaptureForbidsWhatADriverForbids) {
  void *graph = nullptr, *other = newStream(0, 0), *event = nullptr;
  DevicePointer pointer = 0;
  stream = newStream(0, 0);
  EXPECT_EQ(d.cuEventCreate(&event, 2), 0);
  auto invalidated = [&](auto call) {
    EXPECT_EQ(d.cuStreamBeginCapture_v2(stream, 0), 0);
    EXPECT_NE(call(), 0);
    EXPECT_NE(d.cuStreamEndCapture(stream, &graph), 0);
  };
  invalidated([&] { return d.cuStreamSynchronize(stream); });
  invalidated([&] { return d.cuCtxSynchronize(); });
  invalidated([&] { return d.cuMemAlloc_v2(&pointer, 8); });
  EXPECT_EQ(d.cuEventRecord(event, other), 0);
  invalidated([&] { return d.cuStreamWaitEvent(stream, event, 0); }); // of work outside
  // A stream that came in and does not come back.
  EXPECT_EQ(d.cuStreamBeginCapture_v2(stream, 0), 0);
  EXPECT_EQ(d.cuEventRecord(event, stream), 0);
  EXPECT_EQ(d.cuStreamWaitEvent(other, event, 0), 0);
  EXPECT_EQ(d.cuLaunchHostFunc(other, [](void *) {}, nullptr), 0);
  EXPECT_NE(d.cuStreamEndCapture(stream, &graph), 0);
  int mode = 2; // relaxed: memory may be had
  EXPECT_EQ(d.cuStreamBeginCapture_v2(stream, 0), 0);
  EXPECT_EQ(d.cuThreadExchangeStreamCaptureMode(&mode), 0);
  EXPECT_EQ(d.cuMemAlloc_v2(&pointer, 8), 0);
  EXPECT_EQ(d.cuThreadExchangeStreamCaptureMode(&mode), 0);
  EXPECT_EQ(d.cuStreamEndCapture(stream, &graph), 0);
  EXPECT_EQ(d.cuGraphDestroy(graph), 0);
  EXPECT_EQ(d.cuEventDestroy_v2(event), 0);
}

TEST_F(HostGpu, NewMemoryHoldsAPattern) {
  EXPECT_EQ(read(allocate(8), 1)[0], static_cast<long long>(0xCBCBCBCBCBCBCBCBull));
}

// Into what the allocation was rounded up to: AddressSanitizer alone sees it.
TEST_F(HostGpu, FewBytesBeyondAreReached) {
  long long out = allocate(100);
  EXPECT_EQ(launch("beyond", {out, 12}), 0);
  EXPECT_EQ(d.cuStreamSynchronize(stream), 0);
}

TEST_F(HostGpu, RefusesWhatAGpuRefuses) {
  long long out = allocate(8 * 64), elsewhere = 0;
  EXPECT_NE(launch("rotate", {out, 0}, 0), 0);
  EXPECT_NE(launch("rotate", {out, 0}, 1, 65), 0); // beyond its launch bounds
  EXPECT_NE(launch("rotate", {out, 0}, 1, 2048), 0);
  EXPECT_NE(launch("rotate", {reinterpret_cast<long long>(&elsewhere), 0}), 0);
  EXPECT_NE(d.cuMemcpyHtoDAsync_v2(DevicePointer(out), &elsewhere, 8 * 65, stream), 0);
  EXPECT_NE(d.cuMemcpyAsync(DevicePointer(out) + 8, DevicePointer(out), 8 * 64, stream), 0);
  EXPECT_EQ(d.cuMemFree_v2(DevicePointer(out)), 0);
  EXPECT_NE(d.cuMemFree_v2(DevicePointer(out)), 0);
  EXPECT_NE(launch("rotate", {out, 0}), 0);
  DevicePointer pointer = 0;
  EXPECT_EQ(d.cuMemAlloc_v2(&pointer, size_t(1) << 40), kErrorOutOfMemory);
  useDevice(1);
  EXPECT_NE(d.cuStreamSynchronize(stream), 0); // the other device's
  useDevice(0);
}

TEST_F(HostGpu, CountsDeclaredSharedMemoryToo) {
  long long out = allocate(8);
  EXPECT_EQ(launch("dynamic", {out, 0}, 1, 64, 48 * 1024 - 512), 0);
  EXPECT_NE(launch("dynamic", {out, 0}, 1, 64, 48 * 1024 - 496), 0);
  void *function = kernel("dynamic");
  EXPECT_NE(d.cuFuncSetAttribute(function, kFunctionMaxDynamicShared, 227 * 1024), 0);
  EXPECT_EQ(d.cuFuncSetAttribute(function, kFunctionMaxDynamicShared, 227 * 1024 - 512), 0);
  EXPECT_EQ(read(out, 1)[0], 3);
}

TEST_F(HostGpuDeath, ReachingOutsideEndsTheContext) {
  auto reach = [&](const char *name, long long place, unsigned shared) {
    long long out = allocate(8 * 32); // 256 bytes
    EXPECT_EQ(launch(name, {out, place}, 1, 64, shared), 0);
    if (int result = d.cuStreamSynchronize(stream)) {
      EXPECT_EQ(d.cuStreamSynchronize(stream), result);
      std::fprintf(stderr, "error %d\n", result);
      std::exit(testing::Test::HasFailure() ? 2 : 1);
    }
  };
  EXPECT_EXIT(reach("beyond", 32, 0), testing::ExitedWithCode(1), "error 700");
  EXPECT_EXIT(reach("dynamic", 128, 1024), testing::ExitedWithCode(1), "error 700");
  EXPECT_EXIT(reach("half", 0, 0), testing::ExitedWithCode(1), "error 719"); // threads at different barriers
}
