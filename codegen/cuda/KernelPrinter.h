// Prints one kernel.func (see KernelToCuda.h).
#pragma once
#include "codegen/cuda/ScalarPrinter.h"
#include "ir/kernel/KernelDialect.h"

namespace weft::cuda {

class KernelPrinter {
public:
  // mostShared: bytes of scratch that shared memory takes.
  KernelPrinter(kernel::FuncOp func, int64_t mostShared, const IndexRanges::Launches &launches);

  std::string text;             // the function
  int64_t scratchBytes = 0;     // of a task
  bool scratchIsGlobal = false; // as a last buffer, scratchBytes for each block
  bool strides = false;         // one lane loop over all tasks: the number of tasks is a last scalar
  int vector = 1;               // tasks that a thread of such a loop does in one go
  bool together = false;        // eight threads of such a loop do a task, which reduces
  // Tasks of a striding loop that a block does at once.
  int tasksOfBlock() const { return together ? threads / 8 : threads * vector; }
  int threads = 128;

private:
  // What the threads of a block do at this place: all the same, or each its own lane.
  enum class Context { Uniform, Lane };

  void signature();
  void scratch();
  void block(mlir::Block &block, Context context);
  void operation(mlir::Operation &op, Context context);
  void load(kernel::LoadOp op);
  void store(kernel::StoreOp op, Context context);
  void forLoop(kernel::ForOp op, Context context);
  // StridingLoop.cpp
  void findVectors();
  void vectorLoop();
  void findTogether();
  void togetherLoop();
  bool isVector(mlir::Operation *access);
  void chooseThreads();
  void lanes();
  void reduce(kernel::ReduceOp op, Context context);
  // ContractPrinter.cpp
  void tiles();
  bool isNarrow(kernel::ContractOp op);
  void contract(kernel::ContractOp op);
  std::string element(mlir::Value buffer, mlir::Value index);
  std::string windowsLoader(kernel::ContractOp op, mlir::Type sum);
  std::string operandLoader(mlir::Value buffer, mlir::Value base, const std::string &offset, mlir::Type sum,
                            const std::string &indices);
  void line(const std::string &statement) { text += std::string(indent, ' ') + statement + "\n"; }

  int64_t mostShared;
  kernel::FuncOp func;
  IndexRanges ranges;
  ScalarPrinter scalars;
  llvm::DenseMap<mlir::Operation *, std::string> vectors; // a load's or store's element of a vector
  kernel::ForOp stridingLoop;
  int indent = 2;
};

} // namespace weft::cuda
