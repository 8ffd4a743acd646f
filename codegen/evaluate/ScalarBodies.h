// The scalar bodies of the op records as kernel IR.
#pragma once
#include "codegen/elementary/Scalar.h"
#include "ir/Graph.h"

namespace weft {

// Builds the body of an op for one element. Operands are in compute types: 16-bit floats are widened to f32, unsigned
// integers are signless with `isUnsigned`. `elementType` is the compute type of the result; the caller rounds a 16-bit
// float result. A record's `scalarOperands` say what a creation op takes: iota its index along dim, uniform and normal
// seed and counter (all i64), full nothing.
Scalar buildScalar(mlir::OpBuilder &builder, mlir::Location location, OpKind op, llvm::ArrayRef<Scalar> operands,
                   const Attrs &attrs, mlir::Type elementType);
// For ops that have operands: builds where the first one does.
Scalar buildScalar(OpKind op, llvm::ArrayRef<Scalar> operands, const Attrs &attrs, mlir::Type elementType);

} // namespace weft
