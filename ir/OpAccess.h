// Reading and making ops of the dialect by their records, whatever op it is.
#pragma once
#include "ir/OpTable.h"
#include "ir/Types.h"
#include "ir/WeftDialect.h"

namespace weft {

// What kindOf() says of an op without a record: weft.group, weft.yield, and ops of other dialects.
inline constexpr OpKind kNoRecord = OpKind(0xffff);
OpKind kindOf(mlir::Operation *op);
inline bool hasRecord(mlir::Operation *op) { return kindOf(op) != kNoRecord; }

// For ops with a record. Attributes in the record's order.
const OpInfo &infoOf(mlir::Operation *op);
// Whether a product's sums are one chain each, however long (dot_chain).
inline bool isUnbroken(mlir::Operation *product) { return kindOf(product) == OpKind::DotChain; }
OpFamily familyOf(mlir::Operation *op);
Attrs attrsOf(mlir::Operation *op);
int64_t intOf(mlir::Operation *op, llvm::StringRef attr);
double floatOf(mlir::Operation *op, llvm::StringRef attr);
bool boolOf(mlir::Operation *op, llvm::StringRef attr);
Dims intsOf(mlir::Operation *op, llvm::StringRef attr);

// Of internal linkage: code generation has sizes of its own under these names.
[[maybe_unused]] static inline TensorType typeOf(mlir::Value value) { return fromMlir(value.getType()); }
[[maybe_unused]] static inline Dims shapeOf(mlir::Value value) { return fromMlir(value.getType()).shape; }
[[maybe_unused]] static inline DType dtypeOf(mlir::Value value) {
  return dtypeFromMlir(llvm::cast<mlir::RankedTensorType>(value.getType()).getElementType());
}

// Makes an op; the types of its results follow from its record. Throws UserError on operands that do not fit.
mlir::Value createOp(mlir::OpBuilder &builder, mlir::Location location, OpKind op, mlir::ValueRange operands,
                     const Attrs &attrs);

mlir::Operation *createOpOfSeveral(mlir::OpBuilder &builder, mlir::Location location, OpKind op,
                                   mlir::ValueRange operands, const Attrs &attrs);

// Erases the ops of the block whose results nobody uses, from `first` on; true if there were any. Every op of the
// dialect is pure: random numbers are a function of their state.
bool eraseDeadOps(mlir::Block &block, mlir::Operation *first = nullptr);

} // namespace weft
