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
    if (body.getOperations().size() != 1 || graphs.size() != 1)
      throw std::runtime_error("[codegen] a plan is made of a module of one function of weft ops; see --weft-fusion");
    // Schedules begin with what is used.
    for (GroupOp group : graphs[0].front().getOps<GroupOp>())
      eraseDeadOps(*group.block());
    eraseDeadOps(graphs[0].front());
    Lowered lowered = lowerToKernels(module, Target());
    llvm::outs() << toString(lowered.plan);
    body.clear();
    body.getOperations().splice(body.end(), lowered.kernels->getBody()->getOperations());
  }
};

} // namespace

void registerCodegenPasses() { PassRegistration<ToKernelPass>(); }

} // namespace weft
