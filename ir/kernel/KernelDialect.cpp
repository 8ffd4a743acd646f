#include "ir/kernel/KernelDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "ir/kernel/KernelDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/kernel/KernelTypes.cpp.inc"

void weft::kernel::KernelDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "ir/kernel/KernelTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/kernel/KernelOps.cpp.inc"
      >();
}
