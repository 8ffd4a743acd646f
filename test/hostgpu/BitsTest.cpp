// Kernels as CUDA C++, run by the GPU that is made of the host (test/hostgpu), give the bits of the CPU's code.
#include "../codegen/cuda/Graphs.h"
#include "codegen/cpu/Program.h"
#include "codegen/cuda/Program.h"
#include "codegen/lower/GraphToKernel.h"
#include "ir/GraphIR.h"
#include "passes/Pipeline.h"
#include "runtime/Executable.h"

#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

#include <cstring>
#include <random>

using namespace weft;
using namespace weft::test;

namespace {

constexpr int64_t kSymbols[] = {7, 333};
using Bytes = std::vector<unsigned char>;

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

std::vector<Bytes> run(const Graph &graph, const std::vector<Bytes> &inputs, Device device) {
  mlir::MLIRContext context;
  auto module = importGraph(graph, context);
  runPipeline(*module, {/*fuse=*/true, /*attention=*/false});
  std::string code;
  if (device.isCuda()) {
    code = cuda::compileProgram(*module, CompileOptions());
  } else {
    cpu::Target target = cpu::Target::find("");
    Lowered lowered = lowerToKernels(*module, cpu::scheduleTarget(target));
    code = cpu::compileProgram(*lowered.kernels, lowered.plan, target);
  }
  ExecutablePtr executable = Executable::loadBytes(code.data(), code.size());
  std::vector<BufferRef> memory;
  std::vector<void *> from, to;
  for (const Bytes &bytes : inputs) {
    memory.push_back(Buffer::allocate(bytes.size(), device));
    from.push_back(memory.back()->data());
    copyMemory(from.back(), device, bytes.data(), Device(), bytes.size());
  }
  for (int i = 0; i < executable->outputCount(); ++i) {
    memory.push_back(Buffer::allocate(size_t(executable->outputBytes(i, kSymbols)), device));
    to.push_back(memory.back()->data());
  }
  executable->run(from.data(), to.data(), kSymbols);
  std::vector<Bytes> outputs;
  for (int i = 0; i < executable->outputCount(); ++i) {
    outputs.emplace_back(size_t(executable->outputBytes(i, kSymbols)));
    copyMemory(outputs.back().data(), Device(), to[size_t(i)], device, outputs.back().size());
  }
  return outputs;
}

class CudaBits : public testing::TestWithParam<NamedGraph> {};

TEST_P(CudaBits, AreTheCpus) {
  const Graph &graph = GetParam().graph;
  std::vector<Bytes> inputs = randomInputs(graph);
  std::vector<Bytes> expected = run(graph, inputs, Device()), got = run(graph, inputs, {DeviceKind::CUDA, 0});
  ASSERT_EQ(expected.size(), got.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(expected[i], got[i]) << "output " << i;
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaBits, testing::ValuesIn(cudaGraphs()),
                         [](const testing::TestParamInfo<NamedGraph> &info) { return info.param.name; });

} // namespace
