// What the passes make of an op of family Control (ir/ops/Control.td): its derivatives and its batch are such ops
// again, whose bodies are the derivative and the batch of its bodies.
#pragma once
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallVector.h"

namespace weft {

// The cotangents of the operands, null where not wanted or where there is none, from those of the results, null where
// none came. Throws UserError where there is no rule.
llvm::SmallVector<mlir::Value> cotangentsOfControl(mlir::OpBuilder &builder, mlir::Operation *op,
                                                   llvm::ArrayRef<mlir::Value> given, llvm::ArrayRef<bool> wanted);

// The tangents of the results from those of the operands, null where there is none.
llvm::SmallVector<mlir::Value> tangentsOfControl(mlir::OpBuilder &builder, mlir::Operation *op,
                                                 llvm::ArrayRef<mlir::Value> given);

// The results of `size` examples: operands for which `batched` holds have the axis of the examples in front, and so
// have all results.
llvm::SmallVector<mlir::Value> batchOfControl(mlir::OpBuilder &builder, mlir::Operation *op,
                                              llvm::ArrayRef<mlir::Value> operands, llvm::ArrayRef<bool> batched,
                                              int64_t size);

} // namespace weft
