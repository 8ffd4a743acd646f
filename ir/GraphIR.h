// The memory-cheap graph (ir/Graph.h) as a module of the dialect `weft`, and back; a round trip changes nothing.
//
// The module has one func.func @main: inputs are arguments, outputs results. An argument whose strides are given has
// `weft.strides = array<i64: ...>` (symbols as negative numbers). The function has `weft.donations = array<i64: ...>`
// where there are donations, and `weft.symbol_count = n : i64` where there are symbols, with `weft.typical_size = n :
// i64` if it is not kTypicalSize, and `weft.typical_sizes = array<i64: ...>` for the first symbols. With `weft.checks =
// ["message", ...]` the last results, as many as there are messages, are the checks'. Locations are file:line:0, or
// names where they have no line. The body of an op of family Control is a private function of the module, after @main.
#pragma once
#include "ir/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace weft {

// Loads the dialects it needs into the context.
mlir::OwningOpRef<mlir::ModuleOp> importGraph(const Graph &graph, mlir::MLIRContext &context);

// Throws std::runtime_error where the module is not such a function of ops with records.
Graph exportGraph(mlir::ModuleOp module);
Graph exportGraph(mlir::func::FuncOp func);

// The attribute of an op in the module: a graph becomes a private function, which the attribute names.
mlir::Attribute attributeIn(mlir::ModuleOp module, const Attr &attr);
// The function that the attribute of an op names; null where there is none.
mlir::func::FuncOp bodyFunction(mlir::Operation *op, mlir::Attribute attr);

// The functions that are graphs: one block of ops with records (or groups of them, where there may be any) on tensors
// of weft. Passes leave all others as they are.
llvm::SmallVector<mlir::func::FuncOp> graphsOf(mlir::ModuleOp module, bool mayHaveGroups = false);

std::vector<std::string> checkMessages(mlir::Operation *func);
TypicalSizes typicalSizes(mlir::Operation *func);

mlir::Location toMlirLocation(mlir::MLIRContext &context, const std::string &location);
std::string locationText(mlir::Location location); // "file.py:12"; empty where unknown

} // namespace weft
