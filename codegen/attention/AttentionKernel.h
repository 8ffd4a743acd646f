// What the parts of attention's schedule share while they write its kernel.
#pragma once
#include "codegen/attention/Attention.h"

namespace weft {

struct AttentionKernel {
  AttentionKernel(Lowering &lowering, const Group &group);

  Lowering &lowering;
  const Group &group;
  Kernel kernel;
  KernelBuilder &k;
  AttentionParts parts;
  bool causal;   // row i leaves out the columns j > i
  bool overRows; // some product is a sum over rows
  int64_t blockRows,
      heldRows; // rows of the scores that are worked on together, and that are kept for products over them
  Size blocks;  // of rows

  // Where the code is that is being written.
  mlir::Value head;
  Point headPoint;                 // the same, as batches
  mlir::Value heldFirst;           // the first row that is kept
  mlir::Value block, blockColumns; // the block's number, and the columns that its rows do not leave out

  // Blocks of columns as large as those of rows.
  Size strips() const { return *ceilDivide(parts.columns, blockRows); }
  // Elements between rows of scores that are kept.
  mlir::Value rowStride();
  // Of a row, and of the rows that are kept and those past the last that a product reads in vain (kernel.contract).
  Size rowElements() const;
  Size blockElements() const { return Size(heldRows + kernel::ContractOp::kRowsPastEnd) * rowElements(); }
  // At most `most` of those from `first` on, as a constant where it is one.
  mlir::Value atMost(int64_t most, mlir::Value first, const Size &all);
  // The place of an operand's element.
  mlir::Value base(const MatrixOperand &operand, mlir::Value free, mlir::Value contract);
  Scalar element(const MatrixOperand &operand, mlir::Value free, mlir::Value contract);
  mlir::Value buffer(const MatrixOperand &operand);
};

// The loops over a row between the products, in scratch memory.
class AttentionRows {
public:
  explicit AttentionRows(AttentionKernel &a);

  // Scores, or what becomes of them: rows from heldFirst on, or one row.
  struct Memory {
    mlir::Value buffer;
    bool isBlock;
  };
  mlir::Value bufferOf(mlir::Value value) const { return held.lookup(value).buffer; }
  // Where row `row` of all begins in a block.
  mlir::Value start(mlir::Value row);
  // Writes the work on row `row`, between the products into the scores and those out of them.
  void work(mlir::Value row);

private:
  // One loop over a row: of a reduction, of a value that is kept, or the last one, and the held values that it reads.
  struct Loop {
    mlir::Value value;
    llvm::SmallVector<mlir::Value> reads;
  };

  llvm::SmallVector<mlir::Value> heldBehind(llvm::ArrayRef<mlir::Value> values);
  Memory memoryFor(mlir::Value value, size_t loop, bool isBlock);
  void hold(mlir::Value value, Memory memory);
  Point at(mlir::Value j) { return {{0, a.parts.batches + 1, row}, {a.parts.batches + 1, 1, j}}; }
  void keep(mlir::Value value);
  void reduce(mlir::Operation *op);
  void finish();
  void storeResults();

  AttentionKernel &a;
  KernelBuilder &k;
  llvm::SmallVector<mlir::Value> taken; // what products take, each once
  std::vector<Loop> loops;
  llvm::DenseMap<mlir::Value, Memory> held;
  llvm::DenseMap<mlir::Value, mlir::Value> owners; // of memory: the value it holds last
  mlir::Value row, rowBase, columns; // of all heads; in a block; that it does not leave out, in whole vectors
};

// What products leave out where later columns are hidden: zeros times elements of the other operand. They sum to a
// zero, whose sign matters to a sum that is -0, or to NaN. For a sum over columns, by block of rows, those of the
// columns behind the block's; for a sum over rows, by strip of columns, those of the rows before the strip's, which
// stand before all others in a chain that begins with +0, so that they count as -0 or NaN.
class HiddenSums {
public:
  explicit HiddenSums(AttentionKernel &a) : a(a), k(a.k) {}

  // Writes the sums of a head.
  void write(const ResultProduct &product);
  // The sum of a product with what was left out in a block of rows, or a strip of columns.
  mlir::Value added(const ResultProduct &product, mlir::Value sum, mlir::Value entry, mlir::Value otherFree);

private:
  AttentionKernel &a;
  KernelBuilder &k;
  llvm::DenseMap<mlir::Operation *, mlir::Value> tables; // [blocks or strips, free of other]
};

} // namespace weft
