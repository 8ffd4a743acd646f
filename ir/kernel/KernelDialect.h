// The kernel dialect (ir/kernel/KernelOps.td): fused groups as loops over scalars, the common input of the printers in
// codegen/.
#pragma once
#include "ir/kernel/Windows.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "ir/kernel/KernelDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/kernel/KernelTypes.h.inc"
#define GET_OP_CLASSES
#include "ir/kernel/KernelOps.h.inc"
