#include "codegen/lower/GraphToKernel.h"
#include "codegen/lower/Passes.h"
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"
#include "ir/kernel/KernelDialect.h"
#include "passes/ModulePass.h"

#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/raw_ostream.h"

#include <stdexcept>

using namespace mlir;

namespace weft {
namespace {

struct ToKernelPass : ModulePass<ToKernelPass> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ToKernelPass)
  StringRef getArgument() const final { return "weft-to-kernel"; }
  StringRef getDescription() const final { return "Groups to kernels; prints the launch plan as comments"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<kernel::KernelDialect, arith::ArithDialect, math::MathDialect>();
  }
  void run(ModuleOp module) {
    Block &body = module.getBodyRegion().front();
    SmallVector<func::FuncOp> graphs = graphsOf(module, /*mayHaveGroups=*/true);
    if (graphs.empty() || body.getOperations().size() != graphs.size() || graphs[0].isPrivate() ||
        llvm::any_of(llvm::drop_begin(graphs), [](func::FuncOp other) { return !other.isPrivate(); }))
      throw std::runtime_error("[codegen] a plan is made of a module of one function of weft ops, and private ones for "
                               "its bodies; see --weft-fusion");
    // Schedules begin with what is used.
    for (func::FuncOp graph : graphs) {
      for (GroupOp group : graph.front().getOps<GroupOp>())
        eraseDeadOps(*group.block());
      eraseDeadOps(graph.front());
    }
    Lowered lowered = lowerToKernels(module, Target());
    llvm::outs() << toString(lowered.plan);
    body.clear();
    body.getOperations().splice(body.end(), lowered.kernels->getBody()->getOperations());
  }
};

} // namespace

void registerCodegenPasses() { PassRegistration<ToKernelPass>(); }

} // namespace weft
