// weft's passes on textual IR, as mlir-opt does for MLIR's: weft-opt --weft-simplify --weft-fusion graph.mlir
#include "codegen/Passes.h"
#include "ir/WeftDialect.h"
#include "ir/kernel/KernelDialect.h"
#include "passes/Pipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::func::FuncDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, weft::WeftDialect,
                  weft::kernel::KernelDialect>();
  weft::registerPasses();
  weft::registerCodegenPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "weft's optimiser\n", registry));
}
