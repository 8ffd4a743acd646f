// Composites to primitives.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Builders.h"

namespace weft {

// Returns whether there was a composite.
bool runDecompose(mlir::ModuleOp module);

// Builds the expansion of the composite `op` at the builder's insertion point and gives its result. 16-bit floats are widened to
// float32 first and the result is rounded at the end. Composites within the expansion are expanded as well.
mlir::Value expandComposite(mlir::OpBuilder &builder, mlir::Operation *op);

} // namespace weft
