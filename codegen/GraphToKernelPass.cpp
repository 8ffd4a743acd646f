#include "codegen/GraphToKernel.h"
#include "codegen/Passes.h"
#include "ir/kernel/KernelDialect.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace weft {
namespace {

struct ToKernelPass : PassWrapper<ToKernelPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ToKernelPass)
  StringRef getArgument() const final { return "weft-to-kernel"; }
  StringRef getDescription() const final { return "Groups to kernels; prints the launch plan as comments"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<kernel::KernelDialect, arith::ArithDialect, math::MathDialect>();
  }
  void runOnOperation() override {
    Lowered lowered = lowerToKernels(getOperation(), Target());
    llvm::outs() << toString(lowered.plan);
    Block *body = getOperation().getBody();
    body->clear();
    body->getOperations().splice(body->end(), lowered.kernels->getBody()->getOperations());
  }
};

} // namespace

void registerCodegenPasses() { PassRegistration<ToKernelPass>(); }

} // namespace weft
