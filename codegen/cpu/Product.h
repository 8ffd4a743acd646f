// How one kernel.contract is cut into blocks and tiles, and where its copies stand in scratch memory.
#pragma once
#include "codegen/cpu/KernelWriter.h"

namespace weft::cpu {

inline constexpr int64_t kDepth = 256;           // of K: the blocks that the order of the sum names
inline constexpr int64_t kPanel = 32;            // columns of a panel of B
inline constexpr int64_t kTileVectors = 2;       // columns of a tile in vectors
inline constexpr int64_t kMostBlockRows = 252, kMostBlockColumns = 256;

struct KernelWriter::Product {
  kernel::ContractOp op;
  mlir::Type aType, bType, sumType;
  llvm::Type *type;                   // of a sum, and of the copies
  int64_t vectorLanes, tileRows, tileColumns;
  int64_t blockRows, blockColumns;    // multiples of tileRows and of kPanel
  int64_t strideA, strideC;           // elements from row to row
  int64_t panelElements;
  bool packed;                        // tiles read B where it is
  llvm::Value *a, *b, *c;             // scratch memory

  Product(kernel::ContractOp op, KernelWriter &writer);
  llvm::Value *paddedRows(KernelWriter &w, llvm::Value *rows);
  llvm::Value *panel(KernelWriter &w, llvm::Value *column, llvm::Value *j, llvm::Value *k, llvm::Value *k0);
};

} // namespace weft::cpu
