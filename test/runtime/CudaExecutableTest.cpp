// Runs on a GPU where there is one, and everywhere against FakeCuda.c in the program weft_fake_cuda_tests.
#include "runtime/Executable.h"
#include "runtime/cuda/Driver.h"

#include <gtest/gtest.h>

#include <numeric>

using namespace weft;

namespace {

// void scale(const int64_t *a, const int64_t *c, int64_t *out, int64_t size, int64_t factor, int64_t tasks):
// task t does the elements from t * blockDim.x on: out[i] = a[i] * factor + c[i % 4]. The driver takes PTX where it
// takes a cubin.
const char kImage[] = R"(.version 6.4
.target sm_75
.address_size 64
.visible .entry scale(.param .u64 a, .param .u64 c, .param .u64 out, .param .u64 size, .param .u64 factor, .param .u64 tasks)
{
  .reg .pred %p<4>;
  .reg .b32 %r<5>;
  .reg .b64 %d<24>;
  ld.param.u64 %d1, [a];
  ld.param.u64 %d2, [c];
  ld.param.u64 %d3, [out];
  ld.param.u64 %d4, [size];
  ld.param.u64 %d5, [factor];
  ld.param.u64 %d6, [tasks];
  cvta.to.global.u64 %d1, %d1;
  cvta.to.global.u64 %d2, %d2;
  cvta.to.global.u64 %d3, %d3;
  mov.u32 %r1, %ctaid.x;
  cvt.u64.u32 %d7, %r1;
  mov.u32 %r2, %ntid.x;
  cvt.u64.u32 %d8, %r2;
  mov.u32 %r3, %tid.x;
  cvt.u64.u32 %d9, %r3;
  mov.u32 %r4, %nctaid.x;
  cvt.u64.u32 %d10, %r4;
next:
  setp.ge.s64 %p1, %d7, %d6;
  @%p1 bra done;
  mul.lo.s64 %d11, %d7, %d8;
  add.s64 %d11, %d11, %d9;
  setp.ge.s64 %p2, %d11, %d4;
  @%p2 bra skip;
  shl.b64 %d12, %d11, 3;
  add.s64 %d13, %d1, %d12;
  ld.global.u64 %d14, [%d13];
  mul.lo.s64 %d14, %d14, %d5;
  and.b64 %d15, %d12, 24;
  add.s64 %d16, %d2, %d15;
  ld.global.u64 %d17, [%d16];
  add.s64 %d18, %d14, %d17;
  add.s64 %d19, %d3, %d12;
  st.global.u64 [%d19], %d18;
skip:
  add.s64 %d7, %d7, %d10;
  bra next;
done:
  ret;
}
)";

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
  WeftProgram program{WEFT_ABI_VERSION, 1,       1, 1, 4, 2, buffers, steps, 0, kImage,
                      sizeof kImage,    "sm_75", 0, 0, 0, 0, nullptr, 0,     0};
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
