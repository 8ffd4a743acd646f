// A scan's derivatives and its batch (passes/Control.h), and its simplification.
#pragma once
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

namespace weft {

// Runs the steps from the last to the first. What the step's derivative reads of the step, a scan of the same operands
// gives once more; the pipeline makes one of the two (runSimplifyScans). The cotangent of what all steps read is a sum
// over the steps: where a step's is a sum itself, one sum over both, else one that is kept in float32 at least.
llvm::SmallVector<mlir::Value> cotangentsOfScan(mlir::OpBuilder &builder, mlir::Operation *scan,
                                                llvm::ArrayRef<mlir::Value> given, llvm::ArrayRef<bool> wanted);
llvm::SmallVector<mlir::Value> tangentsOfScan(mlir::OpBuilder &builder, mlir::Operation *scan,
                                              llvm::ArrayRef<mlir::Value> given);
llvm::SmallVector<mlir::Value> batchOfScan(mlir::OpBuilder &builder, mlir::Operation *scan,
                                           llvm::ArrayRef<mlir::Value> operands, llvm::ArrayRef<bool> batched,
                                           int64_t size);

// 1. Of two scans of the same operands, one of which does what the other does and gives more, one stays. 2. Results
// nobody reads are not made. True if there was something to do.
bool runSimplifyScans(mlir::ModuleOp module);

} // namespace weft
