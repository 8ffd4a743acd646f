// Prints the arith and math operations of kernel bodies as C++ statements, one variable a value. The functions they
// call (weftFma, weftBits, ...) are defined by the prelude of codegen/cuda/Prelude.h.
#pragma once
#include "codegen/cuda/IndexRanges.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"

#include <string>

namespace weft::cuda {

// The C++ type of a value: float, double, bool, signed char, short, int, long long; 16-bit floats are unsigned short.
std::string cType(mlir::Type type);

class ScalarPrinter {
public:
  explicit ScalarPrinter(IndexRanges &ranges) : ranges(ranges) {}
  // The type of the value's variable: an index that fits is an int.
  std::string variableType(mlir::Value value);
  // The variable of a value; constants are literals. Values get their names in the order of first use.
  std::string name(mlir::Value value);
  void setName(mlir::Value value, std::string name) { names[value] = std::move(name); }
  // The statement that computes the operation's result, without indentation or newline; empty for constants.
  // Throws std::runtime_error for an operation that kernel bodies do not have.
  std::string statement(mlir::Operation &op);

private:
  std::string expression(mlir::Operation &op);
  // Whether all operands and results that are indices are ints, and none is negative where signs would matter.
  bool isNarrow(mlir::Operation &op);

  IndexRanges &ranges;
  llvm::DenseMap<mlir::Value, std::string> names;
  int count = 0;
};

} // namespace weft::cuda
