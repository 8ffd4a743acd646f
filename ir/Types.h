// The graph's types and attributes as MLIR's, and back.
#pragma once
#include "ir/Graph.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace weft {

// bool is i1, unsigned integers are ui8 to ui64, the others signless.
mlir::Type toMlir(mlir::MLIRContext *context, DType dtype);
// A size that is a symbol is dynamic, and the encoding #weft.symbols says which symbol it is.
mlir::RankedTensorType toMlir(mlir::MLIRContext *context, const TensorType &type);
mlir::Attribute toMlir(mlir::MLIRContext *context, const Attr &attr);

// Nothing where the graph has no such type.
std::optional<DType> tryDType(mlir::Type elementType);
std::optional<TensorType> tryFromMlir(mlir::Type type);
std::optional<Attr> tryFromMlir(mlir::Attribute attr, Attr::Kind kind);
// For types that passed the verifier.
DType dtypeFromMlir(mlir::Type elementType);
TensorType fromMlir(mlir::Type type);

} // namespace weft
