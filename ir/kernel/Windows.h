// The index map of a convolution's input: where the elements of the matrix of its windows lie (kernel.contract).
#pragma once
#include <cstdint>

namespace weft::kernel {

// A row of the matrix is a position of the kernel and, fastest, a channel; a column is an image and, in row-major
// order, one of the results' positions. There are always three axes, of which the first ones may have one position.
struct Windows {
  static constexpr int kAxes = 3;
  // What describes it, in this order: of all, then of each axis.
  enum Of { Channels, ChannelStride, ImageStride, Positions, OfAxes }; // Positions: of results, in an image
  // The index along the axis is result * Step + position * Dilation - Low; there is an element if it is in [0, Size).
  enum OfAxis { Results, Kernel, Size, Stride, Step, Dilation, Low, kPerAxis };
  static constexpr int kCount = OfAxes + kAxes * kPerAxis;
  static constexpr int at(int axis, OfAxis what) { return OfAxes + axis * kPerAxis + what; }
};

} // namespace weft::kernel
