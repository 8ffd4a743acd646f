// The dialect `weft`: one op a record of ir/ops, `weft.group`, and the encoding `#weft.symbols` of symbolic sizes.
#pragma once
#include "ir/OpTable.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseMap.h"

#include <vector>

namespace weft {

// Checks an op against its record: operand and attribute kinds, and the result's type.
mlir::LogicalResult verifyRecord(mlir::Operation *op);

template <class ConcreteOp> struct FollowsRecord : mlir::OpTrait::TraitBase<ConcreteOp, FollowsRecord> {
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) { return verifyRecord(op); }
};

} // namespace weft

#include "ir/WeftDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/WeftAttributes.h.inc"
#define GET_OP_CLASSES
#include "ir/WeftOps.h.inc"
