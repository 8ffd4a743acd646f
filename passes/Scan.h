// What the passes make of a scan (ir/ops/Control.td): its derivatives and its batch are scans again, whose bodies are
// the derivative and the batch of one step.
#pragma once
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

namespace weft {

// The cotangents of the operands, null where not wanted or where there is none, from those of the results, null where
// none came. Runs the steps from the last to the first. What the step's derivative reads of the step, a scan of the
// same operands gives once more; the pipeline makes one of the two (runSimplifyScans). The sums of what all steps read
// are kept in float32 at least.
llvm::SmallVector<mlir::Value> cotangentsOfScan(mlir::OpBuilder &builder, mlir::Operation *scan,
                                                llvm::ArrayRef<mlir::Value> given, llvm::ArrayRef<bool> wanted);

// The tangents of the results from those of the operands, null where there is none.
llvm::SmallVector<mlir::Value> tangentsOfScan(mlir::OpBuilder &builder, mlir::Operation *scan,
                                              llvm::ArrayRef<mlir::Value> given);

// The results of `size` examples: operands for which `batched` holds have the axis of the examples in front, and so
// have all results.
llvm::SmallVector<mlir::Value> batchOfScan(mlir::OpBuilder &builder, mlir::Operation *scan,
                                           llvm::ArrayRef<mlir::Value> operands, llvm::ArrayRef<bool> batched,
                                           int64_t size);

// 1. Of two scans of the same operands, one of which does what the other does and gives more, one stays. 2. Results
// nobody reads are not made. True if there was something to do.
bool runSimplifyScans(mlir::ModuleOp module);

} // namespace weft
