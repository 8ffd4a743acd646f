// A kernel.contract whose rows of A are few: what its functions know when they are written, and what they are given.
#pragma once
#include "codegen/cpu/Product.h"

namespace weft::cpu {

inline constexpr int64_t kColumns = 64;                // whose sums are in work
inline constexpr int64_t kCopiedDepth = order::kBlock; // of K, where A is copied

struct KernelWriter::RowsProduct : MatrixTypes {
  bool byLanes;        // else in chains
  bool unbroken;       // which are whole
  int64_t rows;        // that are summed together
  bool copiesA;        // A is of another type than the sums, or must be contiguous along K and is not
  bool alongK, alongN; // one of them at most: along which B is contiguous
  bool isLong;         // K may be more than what is copied of A
  int64_t registers;   // of sums
  // Scratch memory: 64 sums a row; what tiles need; what the sums of parts of a long K are added to.
  llvm::Value *sums, *work, *totals, *copy;

  RowsProduct(kernel::ContractOp op, KernelWriter &writer);
  static int64_t rowsOf(kernel::ContractOp op, KernelWriter &writer); // -1 if not known
  std::string form() const;
  int64_t copiedColumns() const { return alongK ? vectorLanes : kPanel; } // of B at a time, where it is copied
};

struct KernelWriter::RowsOperands {
  llvm::Value *a, *strideM, *strideA; // from a row of A to the next, and along K
  llvm::Value *b, *strideK, *strideN; // of B
  llvm::Value *depth, *columns;
};

} // namespace weft::cpu
