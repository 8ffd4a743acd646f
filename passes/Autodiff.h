// Reverse-mode differentiation.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <vector>

namespace weft {

// The function's last m arguments are the cotangents of its m results. Appends the ops of the derivative (existing ops
// stay as they are) and makes the function return the cotangents of the arguments `wrt`, zeros where nothing depends on
// one.
void runAutodiff(mlir::func::FuncOp func, const std::vector<int> &wrt);

} // namespace weft
