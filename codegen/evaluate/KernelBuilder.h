// A kernel in the making: parameters appear when first asked for, and index arithmetic folds, is shared, and is placed
// in the outermost loop that knows its operands, so that lane bodies hold little but the work of a lane.
#pragma once
#include "codegen/plan/Size.h"
#include "ir/kernel/KernelDialect.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>
#include <unordered_map>

namespace weft {

class KernelBuilder {
public:
  KernelBuilder(mlir::ModuleOp kernels, mlir::Location location);
  ~KernelBuilder();
  KernelBuilder(const KernelBuilder &) = delete;

  mlir::OpBuilder builder;
  mlir::Location location;
  mlir::Value begin, end; // bounds of the tasks to run

  // Parameters. A buffer is named by its number in the plan.
  mlir::Value buffer(int planBuffer, mlir::Type element);
  mlir::Value size(const Size &size);
  // Where a slice begins: a parameter even where it is known, so that the steps of an unrolled loop, which differ in
  // nothing else, share one kernel.
  mlir::Value offset(const Size &offset);

  // Index arithmetic, on non-negative values.
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, const Size &b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value rem(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value less(mlir::Value a, mlir::Value b); // i1, unsigned
  mlir::Value both(mlir::Value a, mlir::Value b); // and of two i1; null stands for true
  mlir::Value pick(mlir::Value condition, mlir::Value a, mlir::Value b);
  // (hi, lo) with value = hi * inner + lo; the inverse of join.
  std::pair<mlir::Value, mlir::Value> split(mlir::Value value, const Size &inner);
  mlir::Value join(mlir::Value hi, mlir::Value lo, const Size &inner);
  static std::optional<int64_t> constantOf(mlir::Value value);

  // Loops; the body is built by the callback.
  using Body = llvm::function_ref<void(mlir::Value)>;
  void loop(mlir::Value lower, mlir::Value upper, bool lane, Body body);
  // The body gives the value of an element.
  mlir::Value reduce(llvm::StringRef kind, mlir::Value upper, mlir::Type type,
                     llvm::function_ref<mlir::Value(mlir::Value)> body);
  // kernel.contract with its operands in order; the body is given (m, n, sum).
  kernel::ContractOp contract(llvm::ArrayRef<mlir::Value> operands, bool packedB, bool unbroken,
                              llvm::function_ref<void(mlir::Value, mlir::Value, mlir::Value)> body);
  mlir::Value scratch(const Size &elements, mlir::Type element);
  void store(mlir::Value value, mlir::Value buffer, mlir::Value index);

  // True when `value` can be used at the insertion point.
  bool reaches(mlir::Value value);
  // Moves the insertion point to the outermost place where all of `operands` are known (null operands do not count).
  void hoist(llvm::ArrayRef<mlir::Value> operands);
  // How deep in the nest of loops a value is defined.
  static int depth(mlir::Value value);

  // Ends the function and names it.
  kernel::FuncOp finish(llvm::StringRef name);

  std::vector<int> bufferIds; // the step's buffers, in the order of the parameters
  std::vector<Size> scalarSizes;
  std::vector<Size> scratchSizes; // bytes of scratch memory whose size is symbolic

private:
  mlir::Value parameter(const Size &size);
  mlir::Value binary(int opcode, mlir::Value a, mlir::Value b);

  kernel::FuncOp func;
  mlir::Block *entry = nullptr;
  bool finished = false;
  std::unordered_map<int64_t, mlir::Value> constants; // of any number; DenseMap keeps two for itself
  std::map<std::tuple<int, void *, void *>, llvm::SmallVector<mlir::Value, 1>> shared;
  struct Join {
    mlir::Value whole, hi, lo;
    Size inner;
  };
  std::vector<Join> joins;
};

} // namespace weft
