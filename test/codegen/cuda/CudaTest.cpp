// Kernels as CUDA C++: NVRTC takes all kinds of them; and compiled for the host, a block's threads in turn, they give
// the bits of the CPU's code.
#include "Graphs.h"
#include "codegen/cpu/Program.h"
#include "codegen/cuda/KernelToCuda.h"
#include "codegen/cuda/Nvrtc.h"
#include "codegen/cuda/Prelude.h"
#include "codegen/cuda/Program.h"
#include "codegen/lower/GraphToKernel.h"
#include "ir/GraphIR.h"
#include "passes/Pipeline.h"
#include "runtime/Executable.h"

#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace weft;
using namespace weft::test;

namespace {

constexpr int64_t kSymbols[] = {7, 333};

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
    text = cuda::printKernels(*lowered.kernels, &lowered.plan);
    plan = lowered.plan;
  }
  // What all programs have in common, and what comes behind it.
  size_t preludeEnd() const { return text.find(cuda::kPrelude) + std::strlen(cuda::kPrelude); }
  std::string prelude() const { return text.substr(0, preludeEnd()); }
  std::string kernels() const { return text.substr(preludeEnd()); }
};

int64_t evaluate(const Extent &extent) {
  WeftExtent given{extent.constant, int32_t(extent.factors.size()), 0, {}};
  std::copy(extent.factors.begin(), extent.factors.end(), given.factors);
  return weft::evaluate(given, kSymbols);
}

void replaceAll(std::string &text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

using Bytes = std::vector<unsigned char>;

// All graphs' kernels in one library for the host.
class HostDevice {
public:
  static HostDevice &get() {
    static HostDevice device;
    return device;
  }
  std::string problem; // why there is none

  std::vector<Bytes> run(const std::string &name, const Plan &plan, const std::vector<Bytes> &inputs) {
    std::vector<Bytes> memory;
    for (const PlanBuffer &buffer : plan.buffers)
      memory.emplace_back(buffer.kind == WEFT_CONSTANT ? buffer.data.size() : size_t(evaluate(buffer.bytes)) + 64);
    for (size_t i = 0; i < plan.buffers.size(); ++i)
      if (plan.buffers[i].kind == WEFT_CONSTANT)
        std::memcpy(memory[i].data(), plan.buffers[i].data.data(), memory[i].size());
    for (size_t i = 0; i < inputs.size(); ++i)
      std::memcpy(memory[i].data(), inputs[i].data(), inputs[i].size());
    for (const PlanStep &step : plan.steps) {
      std::vector<long long> arguments;
      for (int32_t buffer : step.buffers)
        arguments.push_back(reinterpret_cast<long long>(memory[buffer].data()));
      for (const Extent &scalar : step.scalars)
        arguments.push_back(evaluate(scalar));
      arguments.push_back(evaluate(step.grid));
      EXPECT_LE(arguments.size(), 32u);
      unsigned blocks = unsigned(arguments.back());
      arguments.resize(32);
      void *kernel = dlsym(library, (name + "_" + step.kernel).c_str());
      EXPECT_TRUE(kernel) << step.kernel;
      launch(kernel, arguments.data(), blocks, unsigned(step.blockThreads));
    }
    std::vector<Bytes> outputs;
    for (int i = 0; i < plan.outputCount; ++i) {
      Bytes &bytes = memory[plan.inputCount + i];
      outputs.emplace_back(bytes.begin(), bytes.end() - 64);
    }
    return outputs;
  }

private:
  HostDevice() {
    std::string source = std::string("#include \"") + HOST_BLOCK + "\"\n";
    source += CudaSource(cudaGraphs().front().graph).prelude();
    for (const NamedGraph &named : cudaGraphs()) {
      CudaSource cuda(named.graph);
      std::string text = cuda.kernels();
      for (const PlanStep &step : cuda.plan.steps)
        if (text.find(named.name + "_" + step.kernel) == std::string::npos)
          replaceAll(text, ") " + step.kernel + "(", ") " + named.name + "_" + step.kernel + "(");
      source += text;
    }
    replaceAll(source, "extern __shared__ __align__(16) unsigned char scratch[];",
               "unsigned char *scratch = weftScratch;");
    replaceAll(source, "asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(y) : \"h\"(x));", "y = weftHostFromF16(x);");
    replaceAll(source, "asm(\"cvt.rn.f16.f32 %0, %1;\" : \"=h\"(y) : \"f\"(x));", "y = weftHostToF16(x);");
    char folder[] = "/tmp/weft-cuda-XXXXXX";
    if (!mkdtemp(folder)) {
      problem = "no temporary folder";
      return;
    }
    std::string path = std::string(folder) + "/kernels";
    std::ofstream(path + ".cpp") << source;
    std::string command = std::string(HOST_COMPILER) +
                          " -std=c++17 -O1 -w -fPIC -shared -mfma -mf16c -ffp-contract=off -o " + path + ".so " + path +
                          ".cpp 2>" + path + ".log";
    if (std::system(command.c_str())) { // NOLINT(bugprone-command-processor): a path of its own
      std::ifstream log(path + ".log");
      problem = command + "\n" + std::string(std::istreambuf_iterator<char>(log), {});
      return;
    }
    library = dlopen((path + ".so").c_str(), RTLD_NOW);
    launch = reinterpret_cast<decltype(launch)>(dlsym(library, "weftLaunch"));
    for (const char *file : {"/kernels.cpp", "/kernels.log", "/kernels.so"})
      unlink((folder + std::string(file)).c_str());
    rmdir(folder);
  }

  void *library = nullptr;
  void (*launch)(void *, const long long *, unsigned, unsigned) = nullptr;
};

std::vector<Bytes> randomInputs(const Graph &graph) {
  std::mt19937 random(7);
  std::vector<Bytes> inputs;
  for (const Input &input : graph.inputs) {
    int64_t count = 1;
    for (int64_t dim : input.type.shape)
      count *= dim < 0 ? kSymbols[~dim] : dim;
    Bytes bytes(count * itemSize(input.type.dtype));
    for (int64_t i = 0; i < count; ++i) {
      double value = double(int(random() % 4000)) / 1000 - 2;
      void *at = bytes.data() + i * itemSize(input.type.dtype);
      float narrow = float(value);
      uint32_t bits;
      std::memcpy(&bits, &narrow, 4);
      switch (input.type.dtype) {
      case DType::Float32:
        *static_cast<float *>(at) = narrow;
        break;
      case DType::Float64:
        *static_cast<double *>(at) = value;
        break;
      case DType::BFloat16:
        *static_cast<uint16_t *>(at) = uint16_t(bits >> 16);
        break;
      case DType::Float16:
        *static_cast<uint16_t *>(at) = uint16_t(random() % 0x3c00 | (random() & 0x8000));
        break;
      case DType::Int64:
        *static_cast<int64_t *>(at) = int64_t(random() % 5);
        break;
      case DType::Int32:
        *static_cast<int32_t *>(at) = int32_t(random());
        break;
      default:
        *static_cast<uint8_t *>(at) = random() & 1;
      }
    }
    inputs.push_back(bytes);
  }
  return inputs;
}

std::vector<Bytes> runOnCpu(const Graph &graph, std::vector<Bytes> inputs) {
  mlir::MLIRContext context;
  auto module = importGraph(graph, context);
  runPipeline(*module, {/*fuse=*/true, /*attention=*/false});
  cpu::Target target = cpu::Target::find("");
  Lowered lowered = lowerToKernels(*module, cpu::scheduleTarget(target));
  std::string code = cpu::compileProgram(*lowered.kernels, lowered.plan, target);
  ExecutablePtr executable = Executable::loadBytes(code.data(), code.size());
  std::vector<Bytes> outputs;
  std::vector<void *> from, to;
  for (Bytes &bytes : inputs)
    from.push_back(bytes.data());
  for (int i = 0; i < executable->outputCount(); ++i)
    outputs.emplace_back(executable->outputBytes(i, kSymbols));
  for (Bytes &bytes : outputs)
    to.push_back(bytes.data());
  executable->run(from.data(), to.data(), kSymbols);
  return outputs;
}

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

TEST_P(CudaKernels, GiveTheBitsOfTheCpu) {
  HostDevice &device = HostDevice::get();
  ASSERT_TRUE(device.problem.empty()) << device.problem;
  const NamedGraph &named = GetParam();
  CudaSource source(named.graph);
  std::vector<Bytes> inputs = randomInputs(named.graph);
  std::vector<Bytes> expected = runOnCpu(named.graph, inputs), got = device.run(named.name, source.plan, inputs);
  ASSERT_EQ(expected.size(), got.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(expected[i], got[i]) << "output " << i;
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaKernels, testing::ValuesIn(cudaGraphs()),
                         [](const testing::TestParamInfo<NamedGraph> &info) { return info.param.name; });

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
  EXPECT_STREQ(program->target, "sm_90");
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
