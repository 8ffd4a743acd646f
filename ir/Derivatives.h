// The derivatives and expansions of the records, on IR.
#pragma once
#include "ir/GraphBuilder.h"

namespace weft {

// Whether the record has a rule for the cotangents of its operands. A differentiable composite without one is
// differentiated through its expansion.
bool hasVjp(OpKind op);
// Whether the record has a rule for the tangent of its result.
bool hasJvp(OpKind op);

// The cotangent of operand i from the result's, of operand i's type; null where the operand has none (an index, a
// condition).
Val vjp(OpKind op, llvm::ArrayRef<Val> operands, Val result, Val cotangent, const Attrs &attrs, int i);
// The tangent of the result from those of the operands; null ones are zero. Null where the result has none.
Val jvp(OpKind op, llvm::ArrayRef<Val> operands, Val result, llvm::ArrayRef<Val> tangents, const Attrs &attrs);
// The composite in terms of other ops.
Val expansion(OpKind op, llvm::ArrayRef<Val> operands, const Attrs &attrs);

// The same on ops that stand in a function; new ops go to the builder's insertion point.
bool hasDerivative(mlir::Operation *op);
mlir::Value derivative(mlir::OpBuilder &builder, mlir::Operation *op, int operand, mlir::Value cotangent);
mlir::Value expansion(mlir::OpBuilder &builder, mlir::Operation *op);

} // namespace weft
