// How one kernel.contract is cut into blocks and tiles, and where its copies stand in scratch memory.
#pragma once
#include "codegen/cpu/KernelWriter.h"
#include "ir/kernel/CanonicalOrder.h"

namespace weft::cpu {

// Of K: the blocks that the order of the sum names, and the groups of them.
inline constexpr int64_t kDepth = order::kProductBlock, kGroupDepth = order::kProductGroup;
inline constexpr int64_t kUnbroken = int64_t(1) << 62;       // the groups of a chain without end
inline constexpr int64_t kPanel = kernel::PackOp::kColumns;  // columns of a panel of B
inline constexpr int64_t kPanelRows = kernel::PackOp::kRows; // K is rounded up to a multiple of it in whole panels
inline constexpr int64_t kMostRowPointers = 6;               // registers for the rows of a tile of A where it is
// A block of C is as large as half of the second-level cache, in strips of columns: with few columns the rows of A are
// read often, but so are C and the panels of B in the cache where they are. Where A must be copied its rows are fewer,
// and the strips more.
inline constexpr int64_t kMostBlockBytes = 528 << 10, kMostCopiedRows = 264, kStripColumns = 128;
// Elements from row to row of the copy of A and of a strip of C: the same for all products, so that they share
// functions. That of A is not a power of two, which would put the rows of a tile into the same cache sets.
inline constexpr int64_t kStrideA = kDepth + 16, kStrideC = kStripColumns;
// Of AMX: rows and columns that are summed at once, and K, in steps, of which a copy of 32 rows stays in the
// first-level cache; a block; and how far apart the rows of a copy of A are.
inline constexpr int64_t kSideOfTiles = 32, kStepOfTiles = 32, kDepthOfTiles = 512;
inline constexpr int64_t kMostRowsOfTiles = 512, kMostColumnsOfTiles = 512;
inline constexpr int64_t kStrideOfTiles = kDepthOfTiles + 32;

// Up to so many rows of A do not repay a copy of B, fewer where vectors of B would lie across lines of a cache, or its
// rows are whole pages apart and meet in few sets. And a B with rows of so many bytes lies as well for tiles as a copy.
inline constexpr int64_t kRowsWithoutCopy = 72, kRowsWithoutCopyAtWorst = 12, kPage = 4096, kDenseRow = 1024;

// The last rows have a tile of their own, as high as they are, where that saves one row in so many: it is a function
// more to compile, but of one step of K at once, which is short.
inline constexpr int64_t kRowsWorthATile = 40;

// A tile takes so many steps of K at once, and asks meanwhile for a line of C or of the next panels: more at a time
// would hold up what the tile itself reads.
inline constexpr int64_t kUnrolledSteps = 4, kShortDepth = 64; // but only one where K is short
// What the parts of windows that are copied between tiles are a multiple of: a part has costs of its own.
inline constexpr int64_t kWindowRows = 16;
// The description of windows in memory: the address of the input, the first row and column, and the operation's
// numbers.
inline constexpr int kWindowsAddress = 0, kWindowsNumbers = 3;
// How far ahead of the loads B is brought into the first-level cache.
inline constexpr int64_t kPrefetchBytes = 1024;

// Whether it is known to be.
inline bool isOne(llvm::Value *stride) {
  auto *known = llvm::dyn_cast<llvm::ConstantInt>(stride);
  return known && known->isOne();
}

// An upper bound of end - begin (null: of end), or -1 where none can be seen.
int64_t span(mlir::Value begin, mlir::Value end);

struct KernelWriter::MatrixTypes {
  mlir::Type aType, bType, sumType;
  llvm::Type *type;     // of a sum
  bool isPairs, isDots; // of bf16 two by two, and by an instruction for a pair or for more
  bool isTiles;         // by one for tiles
  llvm::Type *copied;   // of the elements of copies: that of a sum, or bf16 where that is read in pairs
  int64_t vectorLanes;

  MatrixTypes(mlir::Type a, mlir::Type b, bool isPairs, KernelWriter &writer);
  std::string name(const char *kind) const; // of a function that depends on the types alone
};

struct KernelWriter::Product : MatrixTypes {
  int64_t tileRows, tileVectors, tileColumns; // of a register tile; its columns are those of so many vectors
  int64_t lastRows;                           // of the last tile of a column of them
  int64_t unrolled;                           // steps of K that it takes at once
  bool wholeSteps;                            // K is a multiple of them
  bool mayBeOdd;                              // it may be
  int64_t blockRows, blockColumns;            // multiples of tileRows and of kPanel
  int64_t stepDepth;                          // most of K for which a strip of B is copied at once
  int64_t leastDepth;                         // where rows are few, or of tiles are copied
  bool oneRowBlock, oneColumnBlock;           // a task is never more
  bool packed;                                // tiles read B's panels where they are
  bool aInPlace;                              // tiles read A where it is
  bool windowsOfA, windowsOfB;                // which is the matrix of windows
  int64_t aStrideM, aStrideK;                 // of the A that tiles read; aStrideM is 0 where it is not known
  int64_t finishedRows;                       // after which the epilogue runs
  bool unbroken;                              // a sum is one chain, whatever K
  bool hasGroups;                             // K may be more than a group
  llvm::Value *a, *b, *nextB, *c, *totals;    // scratch memory; c holds the sums of a group, which are added to totals

  Product(kernel::ContractOp op, KernelWriter &writer);

private:
  void chooseTile(int64_t rows, int64_t columns, int64_t registers);
};

} // namespace weft::cpu
