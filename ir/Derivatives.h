// The derivatives and expansions of the records, on IR.
#pragma once
#include "ir/GraphBuilder.h"

namespace weft {

// Whether the record has a rule for the cotangents of its operands. A differentiable composite without one is
// differentiated through its expansion.
bool hasVjp(OpKind op);
// Whether the record has a rule for the tangent of its result.
bool hasJvp(OpKind op);

// The cotangent of operand i from those of the results, of operand i's type; null where the operand has none (an index,
// a condition). Of several results some cotangents may be null, where none came.
Val vjp(OpKind op, llvm::ArrayRef<Val> operands, llvm::ArrayRef<Val> results, llvm::ArrayRef<Val> cotangents,
        const Attrs &attrs, int i);
// The tangents of the results from those of the operands; null ones are zero. Null where a result has none.
Results jvp(OpKind op, llvm::ArrayRef<Val> operands, llvm::ArrayRef<Val> results, llvm::ArrayRef<Val> tangents,
            const Attrs &attrs);
// The composite in terms of other ops: its results.
Results expansion(OpKind op, llvm::ArrayRef<Val> operands, const Attrs &attrs);

// The same on ops that stand in a function; new ops go to the builder's insertion point.
bool hasDerivative(mlir::Operation *op);
mlir::Value derivative(mlir::OpBuilder &builder, mlir::Operation *op, int operand, mlir::ValueRange cotangents);
llvm::SmallVector<mlir::Value, 2> expansion(mlir::OpBuilder &builder, mlir::Operation *op);

} // namespace weft
