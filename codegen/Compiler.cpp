// libweft_compiler.so: the whole way from a graph to machine code.
#include "codegen/Compiler.h"

#include "codegen/aot/Command.h"
#include "codegen/cpu/Library.h"
#include "codegen/cpu/Program.h"
#include "codegen/cuda/Program.h"
#include "codegen/lower/GraphToKernel.h"
#include "ir/Cancel.h"
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"
#include "ir/OpTable.h"
#include "passes/Decompose.h"
#include "passes/Pipeline.h"
#include "passes/Transform.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"

#include <future>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>

namespace weft {

namespace {

// Finding a target takes longer than compiling a small kernel. A target's machine serves one thread at a time.
class Targets {
public:
  cpu::Target take(const std::string &name) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (std::vector<cpu::Target> &spare = idle[name]; !spare.empty()) {
        cpu::Target target = std::move(spare.back());
        spare.pop_back();
        return target;
      }
    }
    cpu::Target target = cpu::Target::find(name);
    if (target.architecture != &cpu::Architecture::host())
      throw std::runtime_error("[codegen] this machine cannot run code for the CPU '" + name + "', which is " +
                               target.architecture->name + "; set WEFT_CPU to one of its own kind, or not at all");
    return target;
  }
  void give(const std::string &name, cpu::Target target) {
    std::lock_guard<std::mutex> lock(mutex);
    idle[name].push_back(std::move(target));
  }

private:
  std::mutex mutex;
  std::map<std::string, std::vector<cpu::Target>> idle;
};

Targets &targets() {
  static auto *targets = new Targets; // outlives whatever still compiles while the process ends
  return *targets;
}

// A context keeps every type and attribute it has seen, so it is used again, by one thread at a time, and replaced now
// and then.
class Contexts {
public:
  std::unique_ptr<mlir::MLIRContext> take() {
    std::lock_guard<std::mutex> lock(mutex);
    if (idle.empty())
      return std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
    auto context = std::move(idle.back());
    idle.pop_back();
    return context;
  }
  void give(std::unique_ptr<mlir::MLIRContext> context) {
    std::lock_guard<std::mutex> lock(mutex);
    if (++used % 256)
      idle.push_back(std::move(context));
  }

private:
  std::mutex mutex;
  std::vector<std::unique_ptr<mlir::MLIRContext>> idle;
  int used = 0;
};

Contexts &contexts() {
  static auto *contexts = new Contexts; // outlives whatever still compiles while the process ends
  return *contexts;
}

} // namespace

std::vector<TunableNumber> tunableNumbers() {
  std::vector<TunableNumber> numbers;
  for (const CostModel::Parameter &parameter : CostModel::parameters())
    numbers.push_back({parameter.name, parameter.candidates});
  return numbers;
}

std::vector<std::string> pipelineSteps() { return optionalSteps(); }

static CostModel costModel(const CompileOptions &options) {
  CostModel model;
  for (const CostModel::Parameter &parameter : CostModel::parameters())
    if (auto given = options.model.find(parameter.name); given != options.model.end())
      model.*parameter.member = given->second;
  return model;
}

// Known sizes are what the ops' rules say. Those that were made symbols afterwards may be more than the rules can say.
static void checkSymbols(const Graph &graph) {
  std::vector<TensorType> operands;
  for (const Node &node : graph.nodes) {
    const Node &first = *(&node - node.result);
    operands.clear();
    for (ValueId operand : first.operands)
      operands.push_back(graph.type(operand));
    TensorType type = inferType(node.op, operands.data(), int(operands.size()), first.attrs, node.result);
    if (type != node.type)
      fail(UserError::Kind::Runtime, info(node.op).name,
           "gives " + toString(type) + ", not " + toString(node.type) + "; compile it for this shape");
  }
}

// Runs `work` on the graph's module in a context that nobody else uses.
template <class Work> static void withModule(const Graph &graph, Work work) {
  if (graph.symbolCount > 0)
    checkSymbols(graph);
  std::unique_ptr<mlir::MLIRContext> context = contexts().take();
  {
    mlir::OwningOpRef<mlir::ModuleOp> module = importGraph(graph, *context);
    work(*module);
  }
  contexts().give(std::move(context));
}

static PipelineOptions pipelineOptions(const CompileOptions &options) {
  PipelineOptions pipeline;
  pipeline.fuse = options.fuse;
  pipeline.steps = options.steps;
  pipeline.rowBlocks = !options.cuda;
  pipeline.print = debugAsksFor("ir");
  return pipeline;
}

static Lowered lowerForCpu(mlir::ModuleOp module, const cpu::Target &target, const CompileOptions &options) {
  PipelineOptions pipeline = pipelineOptions(options);
  runPipeline(module, pipeline);
  Lowered lowered;
  runStep("graph-to-kernel", module, pipeline.print, [&] {
    lowered = lowerToKernels(module, cpu::scheduleTarget(target), costModel(options));
    return true;
  });
  if (pipeline.print)
    lowered.kernels->print(llvm::errs());
  if (debugAsksFor("memory"))
    llvm::errs() << "// memory of " << lowered.plan.steps.size() << " steps: " << memoryReport(lowered.plan) << "\n";
  return lowered;
}

std::string compileGraph(const Graph &graph, const CompileOptions &options) {
  std::string result;
  withModule(graph, [&](mlir::ModuleOp module) {
    if (options.cuda) {
      runPipeline(module, pipelineOptions(options));
      result = cuda::compileProgram(module, options);
    } else {
      cpu::Target target = targets().take(options.cpu);
      Lowered lowered = lowerForCpu(module, target, options);
      result = cpu::compileProgram(*lowered.kernels, lowered.plan, target);
      targets().give(options.cpu, std::move(target));
    }
  });
  return result;
}

Graph decompose(const Graph &graph, const std::vector<std::string> &kept) {
  Graph result;
  withModule(graph, [&](mlir::ModuleOp module) {
    runDecompose(module, [&](mlir::Operation *op) { return llvm::is_contained(kept, info(kindOf(op)).name); });
    result = exportGraph(module);
  });
  return result;
}

std::string compileLibrary(const std::vector<LibraryProgram> &programs, const std::string &compiler,
                           const CompileOptions &options) {
  constexpr int kThreads = 2;
  std::vector<std::string> objects(kThreads);
  std::vector<cpu::LibraryPart::Entry> entries[kThreads];
  auto compilePart = [&](int number) {
    cpu::Target target = targets().take(options.cpu);
    cpu::LibraryPart part(target, number);
    for (size_t i = size_t(number); i < programs.size(); i += kThreads)
      withModule(programs[i].graph, [&](mlir::ModuleOp module) {
        Lowered lowered = lowerForCpu(module, target, options);
        part.add(*lowered.kernels, lowered.plan, {programs[i].key[0], programs[i].key[1]});
      });
    objects[size_t(number)] = part.object();
    entries[number] = part.entries;
    targets().give(options.cpu, std::move(target));
  };
  auto other = std::async(std::launch::async, compilePart, 1);
  compilePart(0);
  other.get();
  entries[0].insert(entries[0].end(), entries[1].begin(), entries[1].end());
  return cpu::linkLibrary(objects, entries[0], compiler, targets().take(options.cpu));
}

// LLVM would end the process. Through its code an exception unwinds without running destructors: memory leaks.
static void throwOnLLVMErrors() {
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { throw std::bad_alloc(); });
  llvm::install_fatal_error_handler([](void *, const char *reason, bool) {
    throw std::runtime_error(std::string("[codegen] LLVM cannot go on: ") + reason);
  });
}

} // namespace weft

extern "C" __attribute__((visibility("default"))) int weft_aot_command(int argc, char **argv,
                                                                       const char *runtimeFolder) {
  return weft::aotCommand(argc, argv, runtimeFolder);
}

extern "C" __attribute__((visibility("default"))) const weft::CompilerApi *weft_compiler_api() {
  weft::throwOnLLVMErrors();
  static const weft::CompilerApi api{&weft::compileGraph,
                                     &weft::compileLibrary,
                                     &weft::differentiate,
                                     &weft::pushForward,
                                     &weft::batch,
                                     &weft::decompose,
                                     &weft::printGraph,
                                     &weft::printReplay,
                                     &weft::parseReplay,
                                     &weft::printStableHlo,
                                     &weft::tunableNumbers,
                                     &weft::pipelineSteps,
                                     &weft::cancelCompilation,
                                     "weft 0.1.0 LLVM " LLVM_VERSION_STRING};
  return &api;
}
