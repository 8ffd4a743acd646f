// Forward-mode differentiation.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <vector>

namespace weft {

// The function's last arguments are the tangents of the arguments `wrt`, in that order. Appends the ops of the
// derivative (existing ops stay as they are) and makes the function return the tangents of its results, zeros where one
// has none.
void runForward(mlir::func::FuncOp func, const std::vector<int> &wrt);

} // namespace weft
