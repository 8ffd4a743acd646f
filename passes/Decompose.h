// Composites to primitives.
#pragma once
#include "mlir/IR/BuiltinOps.h"

namespace weft {

// Returns whether there was a composite.
bool runDecompose(mlir::ModuleOp module);

} // namespace weft
