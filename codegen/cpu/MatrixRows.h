// A kernel.contract whose rows of A are few: what its functions know when they are written, and what they are given.
#pragma once
#include "codegen/cpu/Product.h"

#include <functional>

namespace weft::cpu {

inline constexpr int64_t kRowsOfPairs = 2; // of A, whose chains of two vectors stay in registers; of AVX-512's, twice

struct KernelWriter::RowsProduct : MatrixTypes {
  // Along what B is contiguous: N (or packed in panels), K, or neither. Dots: along K, as A is, and of so few columns
  // that vectors are better filled with blocks of K.
  enum Form { AlongN, AlongK, Spread, Dots };
  Form form;
  int64_t rows;                             // that are summed together
  int64_t columns;                          // whose sums are in scratch memory
  int64_t vectorsOfPanel = 0;               // a packed one's, whose chains stay in registers
  bool readsLines;                          // along K: a vector of a row of B is a line of the cache
  bool copiesA;                             // which is of another type than the sums
  bool unbroken;                            // a sum is one chain, whatever K
  bool hasGroups;                           // K may be more than a group
  llvm::Value *sums, *work, *totals, *copy; // scratch memory: of a group, of a block or a part of one, of all; of A

  RowsProduct(kernel::ContractOp op, KernelWriter &writer);
  static int64_t rowsOf(kernel::ContractOp op, KernelWriter &writer); // -1 if not known
  std::string nameOfForm() const;
  int64_t blocks() const; // of K that are summed at once
  // So much of K as comes in vectors of elements, or of pairs.
  llvm::Value *wholeVectors(llvm::IRBuilder<> &b, llvm::Value *depth, int64_t lanes) const;
};

// A block of K, or several.
struct KernelWriter::RowsOperands {
  llvm::Value *a, *strideM, *strideA;         // from a row of A to the next, and along K
  llvm::Value *b, *strideK, *strideN, *panel; // of B; from 64 columns to the next
  llvm::Value *depth, *columns;
  llvm::Value *isFirst; // of all
  llvm::Value *inGroup; // whether it is added to what there is of its group
  llvm::Value *isFar;   // along K: whether B is too large for the second-level cache
};

// Along K, the chains of a vector of columns in a block.
struct KernelWriter::RowsChain {
  std::function<llvm::SmallVector<llvm::Value *, 16>(llvm::Value *k)> rows; // where the k-th elements of B are
  int64_t firstK;                                                           // of the block, from the first one's on
  llvm::Value *start, *lastRow;                                             // the first of the rows, for k = 0
  llvm::Value *next;                                                        // from where rows are read after these
};

} // namespace weft::cpu
