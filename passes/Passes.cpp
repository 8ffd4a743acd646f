// The passes as mlir::Pass, for weft-opt.
#include "ir/GraphIR.h"
#include "passes/Autodiff.h"
#include "passes/Batch.h"
#include "passes/Decompose.h"
#include "passes/Forward.h"
#include "passes/Fusion.h"
#include "passes/ModulePass.h"
#include "passes/Pipeline.h"
#include "passes/Rematerialise.h"
#include "passes/Scan.h"
#include "passes/Simplify.h"

#include "mlir/Pass/PassRegistry.h"

#include <stdexcept>

using namespace mlir;

namespace weft {
namespace {

// Without the bodies of others.
SmallVector<func::FuncOp> publicGraphsOf(ModuleOp module) {
  SmallVector<func::FuncOp> graphs = graphsOf(module);
  llvm::erase_if(graphs, [](func::FuncOp graph) { return graph.isPrivate(); });
  return graphs;
}

void checkWrt(func::FuncOp graph, ArrayRef<int> wrt) {
  for (int argument : wrt)
    if (argument < 0 || argument >= int(graph.getNumArguments()))
      throw std::runtime_error("@" + graph.getSymName().str() + " has no argument " + std::to_string(argument) +
                               "; they are counted from 0");
}

void checkLastArguments(func::FuncOp graph, TypeRange types, const char *what) {
  TypeRange given = graph.getArgumentTypes();
  if (given.size() < types.size() || given.take_back(types.size()) != types)
    throw std::runtime_error("the last arguments of @" + graph.getSymName().str() + " must be " + what +
                             ", one for each, of the same types");
}

struct SimplifyPass : ModulePass<SimplifyPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SimplifyPass)
  StringRef getArgument() const final { return "weft-simplify"; }
  StringRef getDescription() const final { return "Bit-exact folds, common subexpressions, dead code"; }
  void run(ModuleOp module) { runSimplify(module); }
};

struct DecomposePass : ModulePass<DecomposePass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DecomposePass)
  StringRef getArgument() const final { return "weft-decompose"; }
  StringRef getDescription() const final { return "Composite ops to primitives"; }
  void run(ModuleOp module) { runDecompose(module); }
};

struct AutodiffPass : ModulePass<AutodiffPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(AutodiffPass)
  AutodiffPass() = default;
  AutodiffPass(const AutodiffPass &other) : ModulePass(other) {}
  StringRef getArgument() const final { return "weft-autodiff"; }
  StringRef getDescription() const final {
    return "Reverse-mode derivative; the last arguments are the cotangents of the results";
  }
  ListOption<int> wrt{*this, "wrt", llvm::cl::desc("Arguments whose cotangents become the results")};
  void run(ModuleOp module) {
    for (func::FuncOp graph : publicGraphsOf(module)) {
      checkWrt(graph, wrt);
      checkLastArguments(graph, graph.getResultTypes(), "the cotangents of its results");
      runAutodiff(graph, std::vector<int>(wrt.begin(), wrt.end()));
    }
  }
};

struct ForwardPass : ModulePass<ForwardPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ForwardPass)
  ForwardPass() = default;
  ForwardPass(const ForwardPass &other) : ModulePass(other) {}
  StringRef getArgument() const final { return "weft-forward"; }
  StringRef getDescription() const final {
    return "Forward-mode derivative; the last arguments are the tangents of the arguments `wrt`";
  }
  ListOption<int> wrt{*this, "wrt", llvm::cl::desc("Arguments whose tangents are given")};
  void run(ModuleOp module) {
    for (func::FuncOp graph : publicGraphsOf(module)) {
      checkWrt(graph, wrt);
      SmallVector<Type> types;
      for (int argument : wrt)
        types.push_back(graph.getArgumentTypes()[argument]);
      checkLastArguments(graph, types, "the tangents of the arguments wrt");
      runForward(graph, std::vector<int>(wrt.begin(), wrt.end()));
    }
  }
};

struct BatchPass : ModulePass<BatchPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(BatchPass)
  BatchPass() = default;
  BatchPass(const BatchPass &other) : ModulePass(other) {}
  StringRef getArgument() const final { return "weft-batch"; }
  StringRef getDescription() const final { return "A function of one example becomes one of a batch of them"; }
  Option<int> size{*this, "size", llvm::cl::desc("The number of examples"), llvm::cl::init(1)};
  ListOption<int> over{*this, "over", llvm::cl::desc("Arguments that differ from example to example")};
  void run(ModuleOp module) {
    for (func::FuncOp graph : publicGraphsOf(module)) {
      checkWrt(graph, over);
      std::vector<bool> batched(graph.getNumArguments());
      for (int argument : over)
        batched[size_t(argument)] = true;
      runBatch(graph, batched, size);
    }
  }
};

struct SimplifyScansPass : ModulePass<SimplifyScansPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SimplifyScansPass)
  StringRef getArgument() const final { return "weft-simplify-scans"; }
  StringRef getDescription() const final { return "Equal loops run once; what they give and nobody reads goes"; }
  void run(ModuleOp module) { runSimplifyScans(module); }
};

struct RematerialisePass : ModulePass<RematerialisePass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RematerialisePass)
  StringRef getArgument() const final { return "weft-rematerialise"; }
  StringRef getDescription() const final { return "Late uses of elementwise values compute them again"; }
  void run(ModuleOp module) { runRematerialise(module); }
};

struct FusionPass : ModulePass<FusionPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FusionPass)
  FusionPass() = default;
  FusionPass(const FusionPass &other) : ModulePass(other) {}
  StringRef getArgument() const final { return "weft-fusion"; }
  StringRef getDescription() const final { return "Wraps ops into groups that become one kernel each"; }
  Option<bool> fuse{*this, "fuse", llvm::cl::desc("false: a group for every op"), llvm::cl::init(true)};
  void run(ModuleOp module) { runFusion(module, {fuse}); }
};

struct PipelinePass : ModulePass<PipelinePass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PipelinePass)
  PipelinePass() = default;
  PipelinePass(const PipelinePass &other) : ModulePass(other) {}
  StringRef getArgument() const final { return "weft-pipeline"; }
  StringRef getDescription() const final { return "All steps from a captured graph to groups"; }
  Option<int> steps{*this, "steps", llvm::cl::desc("How many of the optional steps run; -1: all"), llvm::cl::init(-1)};
  Option<bool> fuse{*this, "fuse", llvm::cl::desc("false: a group for every op"), llvm::cl::init(true)};
  void run(ModuleOp module) {
    PipelineOptions options;
    options.steps = steps;
    options.fuse = fuse;
    weft::runPipeline(module, options);
  }
};

} // namespace

void registerPasses() {
  PassRegistration<SimplifyPass>();
  PassRegistration<DecomposePass>();
  PassRegistration<AutodiffPass>();
  PassRegistration<ForwardPass>();
  PassRegistration<BatchPass>();
  PassRegistration<SimplifyScansPass>();
  PassRegistration<RematerialisePass>();
  PassRegistration<FusionPass>();
  PassRegistration<PipelinePass>();
}

} // namespace weft
