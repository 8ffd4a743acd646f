#include "frontend/executables/Tuning.h"

#include "frontend/executables/CompilerLibrary.h"
#include "runtime/Executable.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace weft {

bool tuningAsked() {
  const char *tune = std::getenv("WEFT_TUNE");
  return tune && *tune && std::string(tune) != "0";
}

namespace {

constexpr double kWorthwhile = 0.97; // of the time of the best so far: less is noise
constexpr int kRounds = 7;
constexpr double kRoundSeconds = 0.002;

// Memory for the inputs and outputs of a graph with known sizes.
class TrialBuffers {
public:
  explicit TrialBuffers(const Graph &graph) {
    for (const Input &input : graph.inputs) {
      const Dims &shape = input.type.shape, strides = input.strides.empty() ? contiguousStrides(shape) : input.strides;
      int64_t item = itemSize(input.type.dtype), before = 0, after = item;
      for (int i = 0; i < shape.size(); ++i)
        (strides[i] < 0 ? before : after) += std::max<int64_t>(0, shape[i] - 1) * std::abs(strides[i]) * item;
      inputs.push_back(static_cast<char *>(zeros(before + after)) + before);
    }
    for (ValueId output : graph.outputs) {
      const TensorType &type = graph.type(output);
      outputs.push_back(zeros(std::max<int64_t>(1, type.shape.product() * itemSize(type.dtype))));
    }
  }

  void run(const Executable &program) const { program.run(inputs.data(), outputs.data(), nullptr); }

private:
  void *zeros(int64_t bytes) {
    memory.push_back(Buffer::allocate(size_t(bytes), Device()));
    return std::memset(memory.back()->data(), 0, size_t(bytes));
  }

  std::vector<BufferRef> memory;
  std::vector<void *> inputs, outputs;
};

double secondsOfRound(const Executable &program, const TrialBuffers &buffers) {
  auto start = std::chrono::steady_clock::now();
  std::chrono::duration<double> elapsed{};
  int runs = 0;
  while (elapsed.count() < kRoundSeconds) {
    buffers.run(program);
    ++runs;
    elapsed = std::chrono::steady_clock::now() - start;
  }
  return elapsed.count() / runs;
}

// The two programs' medians, of rounds that take turns, so that the machine's noise falls on both.
std::pair<double, double> compare(const Executable &a, const Executable &b, const TrialBuffers &buffers) {
  std::array<double, kRounds> ofA, ofB;
  buffers.run(a);
  buffers.run(b);
  for (int i = 0; i < kRounds; ++i) {
    ofA[i] = secondsOfRound(a, buffers);
    ofB[i] = secondsOfRound(b, buffers);
  }
  auto median = [](std::array<double, kRounds> &times) {
    std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
    return times[kRounds / 2];
  };
  return {median(ofA), median(ofB)};
}

} // namespace

std::string tunedProgram(const Graph &graph, CompileOptions options) {
  const CompilerApi &compiler = compilerLibrary();
  TrialBuffers buffers(graph);
  auto load = [](const std::string &code) { return Executable::loadBytes(code.data(), code.size()); };
  std::string best = compiler.compile(graph, options);
  ExecutablePtr program = load(best);
  for (const TunableNumber &number : compiler.tunableNumbers()) {
    for (int64_t candidate : number.candidates) {
      CompileOptions tried = options;
      tried.model[number.name] = candidate;
      std::string code = compiler.compile(graph, tried);
      if (code == best)
        continue;
      ExecutablePtr other = load(code);
      auto [now, then] = compare(*program, *other, buffers);
      bool better = then < kWorthwhile * now;
      std::fprintf(stderr, "[weft] tuning %zu ops: %s = %lld: %.1f us, %s %.1f us\n", graph.nodes.size(),
                   number.name.c_str(), static_cast<long long>(candidate), then * 1e6,
                   better ? "kept, instead of" : "not better than", now * 1e6);
      if (better)
        options = tried, best = code, program = other;
    }
  }
  return best;
}

} // namespace weft
