// The orders in which sums are taken: part of what an op means, so they are the same in every schedule and printer.
// ir/kernel/KernelOps.td says how they are used: kernel.reduce and kernel.contract.
#pragma once
#include <cstdint>

namespace weft::order {

// A reduction goes by blocks of kBlock elements, in kPositions chains. Chains of 16 are more accurate than torch's sums
// on data of one sign and of both (docs/accuracy.md), and a tree for every 16 vectors costs nothing beside the memory.
inline constexpr int64_t kPositions = 64, kBlock = 1024;
// A product's chain of multiply-adds along K, and what so many chains cover whose sums are added before they are added
// to the total: with K = 16384 and terms of one sign a single chain of sums would have 1.6 times the error of torch's.
inline constexpr int64_t kProductBlock = 256, kProductGroup = 8 * kProductBlock;
// Or a product is summed in positions, as a reduction is: where it has one row or one column, and where it has so few
// and K is more than kLaneDepth. What reads a matrix for few results is bound by that, and where its rows lie along K
// only vectors along K read it as it is. (With a short K the tree over positions would take longer than the rest.)
inline constexpr int64_t kLaneRows = 4, kLaneDepth = 64;
inline bool isByLanes(int64_t rows, int64_t columns, int64_t depth) {
  int64_t few = rows < columns ? rows : columns;
  return few <= 1 || (few <= kLaneRows && depth > kLaneDepth);
}
// Up to so many rows a product reads the other operand where it is (codegen/cpu/MatrixRows.cpp): a matter of speed
// alone.
inline constexpr int64_t kFewRows = 8;
static_assert(kFewRows >= kLaneRows && kFewRows <= kLaneDepth);
// A product's sizes up to this are known to its kernel, if `least` is the least of them above 1: they decide the order,
// and the kernel's form.
inline constexpr int64_t mostKnownSize(int64_t least) { return least <= kLaneRows ? kLaneDepth : kFewRows; }

} // namespace weft::order
