// Programs on a GPU, or on the one that is made of the host.
#include "codegen/cuda/Nvrtc.h"
#include "runtime/Executable.h"
#include "runtime/cuda/Driver.h"

#include <gtest/gtest.h>

#include <numeric>

using namespace weft;

namespace {

// Task t does the elements from t * blockDim.x on.
const char kSource[] = R"(
extern "C" __global__ void scale(const long long *a, const long long *c, long long *out, long long size,
                                 long long factor, long long tasks) {
  for (long long task = blockIdx.x; task < tasks; task += gridDim.x) {
    long long i = task * blockDim.x + threadIdx.x;
    if (i < size)
      out[i] = a[i] * factor + c[i % 4];
  }
}
)";

const std::string &image() {
  static const std::string cubin = [] {
    const cuda::DeviceInfo info = cuda::deviceInfo(0);
    return cuda::compileToCubin(kSource, "sm_" + std::to_string(info.major * 10 + info.minor));
  }();
  return cubin;
}

const int64_t kConstant[4] = {1, 2, 3, 4};
const WeftExtent kSize{1, 1, 0, {{0, 0, 1}}}, kBytes{8, 1, 0, {{0, 0, 1}}}, kGrid{1, 1, 0, {{0, 0, 64}}};

// out = (a * 3 + c) * 5 + c by way of a temporary; symbol 0 is the number of elements.
struct TwoSteps {
  WeftBuffer buffers[4] = {{WEFT_INPUT, -1, kBytes, 0, nullptr},
                           {WEFT_OUTPUT, -1, kBytes, 0, nullptr},
                           {WEFT_TEMPORARY, -1, kBytes, -1, nullptr},
                           {WEFT_CONSTANT, -1, {32, 0, 0, {}}, 0, kConstant}};
  int32_t first[3] = {0, 3, 2}, second[3] = {2, 3, 1};
  WeftExtent three[2] = {kSize, {3, 0, 0, {}}}, five[2] = {kSize, {5, 0, 0, {}}};
  WeftStep steps[2] = {
      {nullptr, "scale", "a.py:1", 3, 2, first, three, kGrid, 1, 64 * 1024, 0, 64, nullptr, nullptr, 0, 0},
      {nullptr, "scale", "a.py:2", 3, 2, second, five, kGrid, 1, 0, 1, 64, nullptr, nullptr, 0, 0}};
  WeftProgram program{WEFT_ABI_VERSION,        1,       1, 1, 4, 2, buffers, steps, 0, image().data(),
                      int64_t(image().size()), "sm_75", 0, 0, 0, 0, nullptr, 0,     0};
};

class CudaExecutables : public testing::Test {
protected:
  void SetUp() override {
    if (!cuda::isAvailable())
      GTEST_SKIP() << "no GPU: " << cuda::unavailableReason();
  }
  Device gpu{DeviceKind::CUDA, 0};
};

} // namespace

TEST_F(CudaExecutables, RunStepsOnTheDevice) {
  TwoSteps plan;
  ExecutablePtr executable = Executable::fromProgram(&plan.program);
  EXPECT_EQ(executable->device(), gpu);
  for (int64_t size : {1000, 64, 1, 0}) {
    std::vector<int64_t> x(size), result(size);
    std::iota(x.begin(), x.end(), 7);
    BufferRef in = Buffer::allocate(size * 8, gpu), out = Buffer::allocate(size * 8, gpu);
    copyMemory(in->data(), gpu, x.data(), Device(), size * 8);
    void *inputs[] = {in->data()}, *outputs[] = {out->data()};
    executable->run(inputs, outputs, &size);
    copyMemory(result.data(), Device(), out->data(), gpu, size * 8);
    for (int64_t i = 0; i < size; ++i)
      ASSERT_EQ(result[i], (x[i] * 3 + kConstant[i % 4]) * 5 + kConstant[i % 4]) << size << " " << i;
  }
}

TEST_F(CudaExecutables, TellTheProfiler) {
  TwoSteps plan;
  ExecutablePtr executable = Executable::fromProgram(&plan.program);
  std::string seen;
  StepProfiler profiler{
      [](void *context, const ProfiledStep &step) { *static_cast<std::string *>(context) += step.location; }, &seen};
  int64_t size = 10;
  BufferRef in = Buffer::allocate(80, gpu), out = Buffer::allocate(80, gpu);
  void *inputs[] = {in->data()}, *outputs[] = {out->data()};
  setStepProfiler(&profiler);
  executable->run(inputs, outputs, &size);
  setStepProfiler(nullptr);
  EXPECT_EQ(seen, "a.py:1a.py:2");
}

TEST_F(CudaExecutables, NameWhatIsMissing) {
  auto messageOf = [](const TwoSteps &plan) -> std::string {
    try {
      Executable::fromProgram(&plan.program);
    } catch (const std::runtime_error &error) {
      return error.what();
    }
    return "";
  };
  TwoSteps unknown;
  unknown.steps[1].name = "unknown";
  EXPECT_NE(messageOf(unknown).find("finding the kernel unknown failed: CUDA_ERROR_NOT_FOUND"), std::string::npos)
      << messageOf(unknown);
  TwoSteps broken;
  broken.program.cubin = "nothing that a driver would load";
  EXPECT_NE(messageOf(broken).find("loading the kernels built for sm_75 onto "), std::string::npos)
      << messageOf(broken);
  EXPECT_NE(messageOf(broken).find("the driver is for CUDA "), std::string::npos) << messageOf(broken);
}
