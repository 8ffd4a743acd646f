// Kernels as CUDA C++: NVRTC takes all kinds of them.
#include "Graphs.h"
#include "codegen/cuda/KernelToCuda.h"
#include "codegen/cuda/Nvrtc.h"
#include "codegen/cuda/Program.h"
#include "codegen/lower/GraphToKernel.h"
#include "ir/GraphIR.h"
#include "passes/Pipeline.h"
#include "runtime/Abi.h"
#include "test/codegen/kernels/Interpreter.h"

#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <unistd.h>

using namespace weft;
using namespace weft::test;

namespace {

struct CudaSource {
  std::unique_ptr<mlir::MLIRContext> context = std::make_unique<mlir::MLIRContext>();
  std::string text;
  Plan plan;

  explicit CudaSource(const Graph &graph) {
    auto module = importGraph(graph, *context);
    runPipeline(*module, {/*fuse=*/true, /*attention=*/false});
    weft::Target target;
    target.gpu = true;
    Lowered lowered = lowerToKernels(*module, target);
    text = cuda::printKernels(*lowered.kernels, &lowered.plan, "sm_90");
    plan = lowered.plan;
  }
};

class CudaKernels : public testing::TestWithParam<NamedGraph> {};

TEST_P(CudaKernels, CompileToCubin) {
  if (std::string reason = cuda::nvrtcUnavailableReason(); !reason.empty())
    GTEST_SKIP() << reason;
  CudaSource source(GetParam().graph);
  std::string cubin = cuda::compileToCubin(source.text, "sm_90");
  ASSERT_EQ(cubin.substr(1, 3), "ELF");
  for (const PlanStep &step : source.plan.steps)
    EXPECT_NE(cubin.find(step.kernel), std::string::npos) << step.kernel;
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaKernels, testing::ValuesIn(cudaGraphs()),
                         [](const testing::TestParamInfo<NamedGraph> &info) { return info.param.name; });

TEST(CudaPlan, ScratchInGlobalMemoryIsForTheBlocksAtWork) {
  Graph graph;
  ValueId x = graph.addInput({DType::Float64, {1000000, 16000}});
  graph.outputs = {add(graph, "softmax", {x}, {Attr::integer(1)})};
  CudaSource source(graph);
  ASSERT_EQ(source.plan.steps.size(), 1u);
  const PlanStep &step = source.plan.steps[0];
  const PlanBuffer &scratch = source.plan.buffers[size_t(step.buffers.back())];
  EXPECT_EQ(scratch.kind, WEFT_TEMPORARY);
  EXPECT_EQ(scratch.bytes.constant, step.grid.constant * 16000 * 8);
  EXPECT_LE(step.grid.constant, 1024);
  EXPECT_EQ(step.scalars.back().constant, 1000000); // tasks
}

TEST(CudaProgram, CarriesItsCubin) {
  if (std::string reason = cuda::nvrtcUnavailableReason(); !reason.empty())
    GTEST_SKIP() << reason;
  mlir::MLIRContext context;
  auto module = importGraph(cudaGraphs().front().graph, context);
  runPipeline(*module, {/*fuse=*/true, /*attention=*/false});
  CompileOptions options;
  options.cuda = true;
  std::string code = cuda::compileProgram(*module, options);
  std::string path = testing::TempDir() + "weft-cuda-program.so";
  std::ofstream(path, std::ios::binary) << code;
  void *library = dlopen(path.c_str(), RTLD_NOW);
  unlink(path.c_str());
  ASSERT_TRUE(library) << dlerror();
  auto *program = static_cast<const WeftProgram *>(dlsym(library, "weft_program"));
  ASSERT_TRUE(program);
  EXPECT_EQ(std::string(program->target).rfind("sm_90 by NVRTC ", 0), 0u) << program->target;
  ASSERT_GT(program->cubinBytes, 4);
  EXPECT_EQ(std::memcmp(program->cubin, "\177ELF", 4), 0);
  for (int i = 0; i < program->stepCount; ++i) {
    EXPECT_FALSE(program->steps[i].kernel);
    EXPECT_GT(program->steps[i].blockThreads, 0);
  }
}

TEST(CudaProgram, CompileErrorsCarryTheLog) {
  if (std::string reason = cuda::nvrtcUnavailableReason(); !reason.empty())
    GTEST_SKIP() << reason;
  try {
    cuda::compileToCubin("extern \"C\" __global__ void f() { nothing(); }", "sm_90");
    FAIL();
  } catch (const std::runtime_error &error) {
    EXPECT_NE(std::string(error.what()).find("\"nothing\" is undefined"), std::string::npos) << error.what();
  }
}

} // namespace
