// A reduction over axes with others behind them, as it looks at one column: how its elements combine.
#pragma once
#include "codegen/evaluate/Evaluator.h"

namespace weft {

class ColumnReduction {
public:
  ColumnReduction(Evaluator &e, KernelBuilder &k, mlir::Operation *op);

  mlir::Operation *op;
  mlir::Type type; // of what is accumulated

  // The element of the operand at a point, as what is accumulated.
  mlir::Value element(const Point &point);
  mlir::Value combine(mlir::Value a, mlir::Value b);
  mlir::Value identity();
  // The canonical tree over `count` lanes, a power of two; a null leaf stands for the identity.
  mlir::Value tree(int64_t count, llvm::function_ref<mlir::Value(int64_t)> leaf);

private:
  Evaluator &e;
  KernelBuilder &k;
  std::string kind;
};

} // namespace weft
