// Bit-exact rewrites, common subexpressions, dead code.
#pragma once
#include "mlir/IR/BuiltinOps.h"

namespace weft {

// Returns whether anything changed.
bool runSimplify(mlir::ModuleOp module);

// The value that equals `op`'s result to the bit, or null: an operand, an existing value, or that of new ops before
// `op`. (passes/Fold.cpp)
mlir::Value fold(mlir::Operation *op);

} // namespace weft
