// The orders in which sums are taken: part of what an op means, so they are the same in every schedule and printer.
// ir/kernel/KernelOps.td says how they are used: kernel.reduce and kernel.contract.
#pragma once
#include <cstdint>

namespace weft::order {

// A reduction goes by blocks of kBlock elements, in kPositions chains. Chains of 16 are more accurate than torch's sums
// on data of one sign and of both (docs/accuracy.md), and a tree for every 16 vectors costs nothing beside the memory.
inline constexpr int64_t kPositions = 64, kBlock = 1024;
// A scan goes by blocks of so many elements: as many as a block of rows that is transposed at once.
inline constexpr int64_t kScanBlock = 64;
// A product's chain of multiply-adds along K, and what so many chains cover whose sums are added before they are added
// to the total: with K = 16384 and terms of one sign a single chain of sums would have 1.6 times the error of torch's.
inline constexpr int64_t kProductBlock = 256, kProductGroup = 8 * kProductBlock;
// Up to so many rows a product reads the other operand where it is (codegen/cpu/MatrixRows.cpp): a matter of speed
// alone. Sizes of a product up to this are known to its kernel.
inline constexpr int64_t kFewRows = 8;

} // namespace weft::order
