// Where in a tensor a value is asked for. A point is a list of segments, each one row-major index over a run of
// adjacent dimensions; so one flat index, one index a dimension, and everything between are points, and a segment is
// only taken apart (a division) when a strided load or a broadcast needs the parts.
#pragma once
#include "codegen/evaluate/KernelBuilder.h"

namespace weft {

struct Segment {
  int first, count;
  mlir::Value index;
  int end() const { return first + count; }
};
using Point = llvm::SmallVector<Segment, 4>; // covers the dimensions in order; empty for rank 0

// Sets of boundaries: bit i is the boundary between dimensions i - 1 and i.
using Boundaries = uint64_t;
inline Boundaries boundary(int dim) {
  return dim < kMaxRank ? Boundaries(1) << dim : 0;
} // the last one is always there
inline Boundaries allBoundaries(int rank) {
  return rank < 2 ? 0 : ~Boundaries(0) >> (kMaxRank - rank) & ~Boundaries(1);
}

// The point with no segment across any of the boundaries.
Point cut(KernelBuilder &k, const Point &point, const Sizes &shape, Boundaries boundaries);
// The row-major index of the point.
mlir::Value linear(KernelBuilder &k, const Point &point, const Sizes &shape);
// The same element's place in a tensor of another shape with as many elements.
Point reshaped(KernelBuilder &k, const Point &point, const Sizes &from, const Sizes &to);
// The boundaries of `from` that a reshape must cut for the ones wanted in `to`.
Boundaries reshapedBoundaries(const Sizes &from, const Sizes &to, Boundaries wanted);

// The boundaries where these strides do not make one of two adjacent dimensions; size-1 dimensions fit anything.
Boundaries stridedBoundaries(const Sizes &shape, const Sizes &strides);
// Strides of the same elements in another shape, where there are such.
std::optional<Sizes> reshapedStrides(const Sizes &from, const Sizes &strides, const Sizes &to);
// The stride of the dimensions [first, end) as one, which stridedBoundaries() must allow.
Size mergedStride(const Sizes &shape, const Sizes &strides, int first, int end);

} // namespace weft
