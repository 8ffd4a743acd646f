// Vectorisation: a function of one example becomes one of a batch of them.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <vector>

namespace weft {

// The arguments for which `batched` holds get an axis of `size` in front, and so do all results. Throws UserError where
// an op has no rule for it.
void runBatch(mlir::func::FuncOp func, const std::vector<bool> &batched, int64_t size);

} // namespace weft
