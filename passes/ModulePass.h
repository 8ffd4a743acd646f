// What the passes of weft-opt have in common: run(module), whose exceptions become errors of the module.
#pragma once
#include "ir/WeftDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

#include <exception>

namespace weft {

template <class Derived> struct ModulePass : mlir::PassWrapper<Derived, mlir::OperationPass<mlir::ModuleOp>> {
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registry.insert<mlir::func::FuncDialect, WeftDialect>();
  }
  void runOnOperation() override {
    try {
      static_cast<Derived *>(this)->run(this->getOperation());
    } catch (const std::exception &error) {
      this->getOperation()->emitError(error.what());
      this->signalPassFailure();
    }
  }
};

} // namespace weft
