// A module of the dialect `weft` as StableHLO text, which XLA, IREE and jax read.
//
// The function main has the module's inputs as arguments and its results as results. Weights whose data is given are
// constants; the others are arguments with `weft.weight = "name"`. A state is an argument, too, with `weft.state =
// "name"` (that of the random stream: `weft.generator`), and what a run leaves in it is a result with the same
// attribute. Loops and branches become regions. StableHLO has no fused multiply-add: where the record of an op has one,
// there is a product and a sum.
#pragma once
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace weft {

// Changes the module (composites become what they are made of). `data`: of each argument of @main the row-major
// elements, or null where it stays an argument; it may be shorter. Throws UserError where an op has no counterpart,
// with its line.
std::string printStableHlo(mlir::ModuleOp module, const std::vector<const void *> &data);

} // namespace weft
