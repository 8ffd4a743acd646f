// Elementwise values that are computed again where they are used late, instead of being kept all the while.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

namespace weft {

// The unit attribute of an op that is computed a second time: fusion keeps it out of the group that makes its operand.
inline constexpr llvm::StringLiteral recomputedAttr = "weft.recomputed";

// Returns whether anything changed.
bool runRematerialise(mlir::ModuleOp module);

} // namespace weft
