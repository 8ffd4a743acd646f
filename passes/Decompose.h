// Composites to primitives.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace weft {

// Returns whether there was a composite. `keeps`: says of an op that it stays as it is.
bool runDecompose(mlir::ModuleOp module, llvm::function_ref<bool(mlir::Operation *)> keeps = nullptr);

} // namespace weft
