// Every number by which schedules choose a loop's shape, what a task is, and what is copied or kept. They decide speed
// and nothing else: each result is the same whatever they are, so a tuned program may take others (parameters()).
//
// The model is simple on purpose. A core has a near cache (Target::level1Bytes) that holds what an inner loop works on,
// and a far one (level2Bytes) that holds what a task works on; a task is worth a thread when it takes longer than a few
// forks and joins; there should be a few tasks a thread, so that a slow one does not make the others wait. Costs are
// counted in scalar operations an element, a load or store being eight of them.
#pragma once
#include "codegen/schedule/Target.h"

#include <algorithm>
#include <vector>

namespace weft {

struct CostModel {
  // Tasks. Operations that take some ten microseconds: what a fork and a join cost, a few times over.
  int64_t threadOperations = 300000;
  int64_t memoryOperations = 8; // that a load and a store cost
  // Tasks that a thread should at least get, if one handles `elements` elements at `cost` scalar operations each.
  int64_t grain(int64_t elements, int64_t cost) const {
    return std::max<int64_t>(1, threadOperations / (std::max<int64_t>(1, elements) * (cost + memoryOperations)));
  }

  // Loops: elements of a task where few outer indices leave threads idle, and lanes too few for a loop of their own.
  int64_t laneBlock = 8192;
  int64_t shortLane = 16;
  // Flat loops: operations of a body that is compiled under a mask all the way unless tasks are blocks, and the block.
  int64_t longBody = 64;
  int64_t flatBlock = 1024;

  // Loops across the rows of a tensor: what a task copies, transposed, a few lanes at a time, and the lanes of a task.
  int64_t transposedRows = 64;
  int64_t transposedLanes = 512;

  // Rows: elements of a row that is kept in scratch memory between its passes (what is cheaper than `costly` operations
  // is computed again instead: a division and all of the elementary functions are not).
  int64_t rowScratch = 16384;
  int64_t costly = 10;
  // Bytes of a row up to which rows are lanes, if there are so many; and of a vector.
  int64_t shortRow = 96;
  int64_t manyRows = 16;
  int64_t vector = 64;

  // Columns: a strip of them is reduced together. Rows are streams for the prefetchers, and a strip's part of a row is
  // best as long as a page; but its 64 accumulators a column must stay in a quarter of the far cache. Then: columns
  // worth a thread of their own, if there are as many, and the operations in the body of an unrolled loop.
  int64_t narrowestStrip = 64, widestStrip = 1024;
  int64_t columnPiece = 512;
  int64_t unrolledOperations = 100;

  // Reductions of long, few rows take two steps, the blocks' results and then theirs.
  int64_t longRow = 32768;
  int64_t fewRows = 16;

  // Scatter: elements behind the indexed axis that are a task. Or a task owns rows of the result that stay in the far
  // cache; but each goes through all positions, which must not take longer than what it adds.
  int64_t scatterTile = 256;
  int64_t scatterParts(int64_t rows, int64_t elements, int64_t cacheBytes) const {
    int64_t filling = rows * elements * 4 / std::max<int64_t>(1, cacheBytes / 4);
    return std::clamp<int64_t>(filling, 8, std::min<int64_t>(8 + elements / 8, 64));
  }
  // Or a task is a range of a vector, of so many bytes at least, and there are so many at most: each goes through all
  // positions.
  int64_t scatterRangeBytes = 1 << 21, scatterRanges = 16;

  // Scans: columns of a task; and elements of a row from which on the lanes are parts of it.
  int64_t scanColumns = 128;
  int64_t scanLongRow = 1024;

  // Products: a task is a block of rows x columns (of four bytes), equal ones as far as possible. Its sums and 256 rows
  // of B stay in the far cache while rows of A go by. But no fewer tasks than `fewProducts`, if they are worth a
  // thread, so that threads have equal shares.
  int64_t productRows = 1024, productColumns = 128;
  int64_t wideRows = 128, wideColumns = 512; // where tasks copy their rows of A, or K is short
  int64_t fewProducts = 4;
  // Where the processor multiplies tiles: a block, whose sums may fill the far cache; rows that are taken together; and
  // as many multiply-adds as take the time of one of a vector's elements.
  int64_t tiledRows = 512, tiledColumns = 512, tiledSide = 32, tiledResults = 256;
  // A register tile's most rows and least columns (codegen/cpu/Contract.cpp): rows of tasks are cut at multiples, and
  // fewer columns take as long.
  int64_t tileRows = 6, tileColumns = 32;
  // What is packed by a step of its own has so many elements; columns of B, or rows of A, of such a task.
  int64_t packElements = 1 << 16;
  int64_t packColumns = 128;
  // Convolutions: most output channels of a task, and rows of a gradient's windows, which are copied.
  int64_t convolutionRows = 512, copiedRows = 264;
  // Few channels of a group, and products a result, are multiplied where they are.
  int64_t directChannels = 4, directProducts = 64;
  // Products of few rows: columns of a task, or of one of many such products.
  int64_t vectorColumns = 64, stripColumns = 1024;

  // GPUs: multiprocessors, threads of a block along each side of a product's tile, and what a result's row or column of
  // a thread costs beside the multiply-adds: loads of shared memory, and the wait for the next tile.
  int64_t multiprocessors = 132, threadSide = 16, tileCost = 3;
  // Columns that keep a GPU busy, eight threads each.
  int64_t manyColumns = 32768;

  // Attention: rows of scores that are worked on together, with fewer as they are longer, so that they stay in the far
  // cache; fewer too where later columns are hidden, as the part of a block that is multiplied in vain grows with it.
  // With few heads a head's rows are several tasks.
  int64_t attentionRows = 128, causalRows = 64, leastAttentionRows = 32;
  int64_t attentionElements = 1 << 16;
  int64_t fewHeads = 16;

  // The numbers that tuning may change, and the values it tries besides the model's own.
  struct Parameter {
    const char *name;
    int64_t CostModel::*member;
    std::vector<int64_t> candidates;
  };
  static const std::vector<Parameter> &parameters();
};

} // namespace weft
