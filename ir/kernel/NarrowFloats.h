// What is known of a float32 that is rounded to 16 bits, by how it was made.
#pragma once
#include "mlir/IR/Value.h"

namespace weft::kernel {

// Whether it is a number of the narrow type, or a NaN, already.
bool isExactIn(mlir::Value wide, mlir::Type narrow);

// Whether, where it is a NaN, the lower half of its bits is zero, so that rounding the bits as if they were a number's
// gives a NaN: operations pass on a NaN of an operand, and the one that they make is short.
bool hasShortNan(mlir::Value wide);

} // namespace weft::kernel
