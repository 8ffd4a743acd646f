// The gradients of a convolution: for its input by convolutions, for the weight of separate channels by sums.
#include "ir/Composites.h"

namespace weft::build {

Dims kernelOf(const Dims &weightShape) { return Dims(weightShape.begin() + 2, weightShape.end()); }

Val perChannel(Val list, int rank) {
  Dims shape(rank - 1, 1);
  shape[0] = list.shape()[0];
  return reshape(list, shape);
}

Dims axesButChannel(int rank) {
  Dims axes{0};
  for (int axis = 2; axis < rank; ++axis)
    axes.push_back(axis);
  return axes;
}

namespace {

Dims join(std::initializer_list<Dims> parts) {
  Dims all;
  for (const Dims &part : parts)
    for (int64_t n : part)
      all.push_back(n);
  return all;
}

Dims axesFrom(int first, int count) {
  Dims axes;
  for (int i = 0; i < count; ++i)
    axes.push_back(first + i);
  return axes;
}

// [O, C / groups, *kernel] as [C, O / groups, *kernel], each kernel reversed.
Val transposed(Val weight, int64_t groups) {
  int axes = weight.rank() - 2;
  Dims kernel = kernelOf(weight.shape());
  int64_t results = weight.shape()[0] / groups, channels = weight.shape()[1];
  if (groups > 1) {
    weight = reshape(weight, join({{groups, results, channels}, kernel}));
    weight = permute(weight, join({{0, 2, 1}, axesFrom(3, axes)}));
    weight = reshape(weight, join({{groups * channels, results}, kernel}));
  } else {
    weight = permute(weight, join({{1, 0}, axesFrom(2, axes)}));
  }
  return kernel.product() == 1 ? weight : flip(weight, axesFrom(2, axes));
}

} // namespace

// With x = result * stride + position * dilation - low, a result's gradient goes to x through the weight at `position`.
// Without a stride that is a convolution with the kernel reversed. With one, and without dilation, x + low =
// (result + part) * stride + phase for position = part * stride + phase: each of the phases between two results is an
// output channel of one convolution over the parts, and then they are put side by side. With both, zeros are put
// between the results.
Val convInputGradient(Val ct, const Dims &shape, Val weight, const Dims &stride, const Dims &low, const Dims &dilation,
                      int64_t groups) {
  int axes = shape.size() - 2;
  Dims kernel = kernelOf(weight.shape()), results = kernelOf(ct.shape());
  Dims ones(axes, 1), none(axes, 0);
  bool bothChange = false;
  for (int i = 0; i < axes; ++i)
    bothChange |= stride[i] > 1 && dilation[i] > 1;
  if (bothChange || stride == ones || (groups > 1 && axes == 3)) { // whose axes would be too many
    Dims between = none, before = none, after = none;
    for (int i = 0; i < axes; ++i) {
      between[i] = stride[i] - 1;
      int64_t size = (results[i] - 1) * stride[i] + 1;
      before[i] = (kernel[i] - 1) * dilation[i] - low[i];
      after[i] = shape[i + 2] - size + low[i];
    }
    if (between != none)
      ct = pad(ct, Dims(axes + 2, 0), Dims(axes + 2, 0), join({{0, 0}, between}), 0.0);
    return conv_general(ct, transposed(weight, groups), ones, before, after, dilation, groups);
  }

  Dims phases, parts, filled = none, before, after, first, starts{0, 0};
  for (int i = 0; i < axes; ++i) {
    phases.push_back(std::min(kernel[i], stride[i]));
    parts.push_back((kernel[i] + stride[i] - 1) / stride[i]);
    filled[i] = phases[i] * parts[i] - kernel[i];
    auto floor = [&](int64_t n) { return n >= 0 ? n / stride[i] : -((stride[i] - 1 - n) / stride[i]); };
    first.push_back(floor(low[i]));
    int64_t count = floor(low[i] + shape[i + 2] - 1) - first[i] + 1;
    before.push_back((parts[i] - 1) * dilation[i] - first[i]);
    after.push_back(count - results[i] + (parts[i] - 1) * dilation[i] - before[i]);
    starts.push_back(low[i] - first[i] * stride[i]);
  }
  // [O, C / groups, *kernel] as [groups * phases * C / groups, O / groups, *parts], of each axis the parts reversed:
  // where channels are last, those of a phase are neighbours.
  int64_t out = weight.shape()[0] / groups, channels = weight.shape()[1];
  if (filled != none)
    weight = pad(weight, Dims(axes + 2, 0), join({{0, 0}, filled}), Dims(axes + 2, 0), 0.0);
  Dims split = groups > 1 ? Dims{groups, out, channels} : Dims{out, channels};
  int lead = split.size();
  Dims reversed, order = groups > 1 ? Dims{0} : Dims{}, ofParts;
  for (int i = 0; i < axes; ++i) {
    split.push_back(parts[i]);
    split.push_back(phases[i]);
    ofParts.push_back(lead + 2 * i);
    if (parts[i] > 1)
      reversed.push_back(lead + 2 * i);
  }
  for (int64_t axis : ofParts)
    order.push_back(axis + 1);
  order.push_back(lead - 1);
  order.push_back(lead - 2);
  weight = reshape(weight, split);
  if (!reversed.empty())
    weight = flip(weight, reversed);
  weight = permute(weight, join({order, ofParts}));
  weight = reshape(weight, join({{groups * channels * phases.product(), out}, parts}));

  Val y = conv_general(ct, weight, ones, before, after, dilation, groups);
  // [N, groups * phases * C / groups, *counts] as [N, C, *(counts * stride)], of which x is a part.
  Dims ofGroups = groups > 1 ? Dims{shape[0], groups} : Dims{shape[0]};
  int firstPhase = ofGroups.size(), channelAxis = firstPhase + axes, rank = channelAxis + 1 + axes;
  Dims counts = kernelOf(y.shape()), high(rank, 0), side = axesFrom(0, firstPhase), whole{shape[0], shape[1]};
  side.push_back(channelAxis);
  y = reshape(y, join({ofGroups, phases, {channels}, counts}));
  for (int i = 0; i < axes; ++i) {
    high[firstPhase + i] = stride[i] - phases[i];
    side.push_back(channelAxis + 1 + i);
    side.push_back(firstPhase + i);
    whole.push_back(counts[i] * stride[i]);
  }
  if (high != Dims(rank, 0))
    y = pad(y, Dims(rank, 0), high, Dims(rank, 0), 0.0);
  y = reshape(permute(y, side), whole);
  return slice(y, starts, shape, Dims(axes + 2, 1));
}

// As a product of matrices it would have one column. The sums are over rows of pixels first, whose elements are
// contiguous, so that a few at a time read what a cache holds.
Val depthwiseWeight(Val x, Val y, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high,
                    const Dims &dilation, int64_t groups) {
  constexpr int64_t kMostPositions = 64; // of a kernel; each is a few ops
  int axes = kernel.size(), rank = axes + 2;
  Dims results = y.shape();
  // Of one group a channel alone has the order that it has beside others.
  bool isDepthwise = groups > 1 && x.shape()[1] == groups && results[1] == groups;
  if (!isDepthwise || kernel.product() > kMostPositions || x.shape().product() * results.product() == 0)
    return Val();
  DType dtype = x.dtype();
  x = widened(x), y = widened(y);
  Dims before(rank, 0), after(rank, 0), steps(rank, 1);
  for (int i = 0; i < axes; ++i) {
    before[i + 2] = std::max<int64_t>(low[i], 0), after[i + 2] = std::max<int64_t>(high[i], 0);
    steps[i + 2] = stride[i];
  }
  if (before != Dims(rank, 0) || after != Dims(rank, 0))
    x = pad(x, before, after, Dims(rank, 0), 0.0);
  Dims others = join({{0}, axesFrom(2, axes - 1)});
  llvm::SmallVector<Val> sums;
  for (int64_t number = 0; number < kernel.product(); ++number) {
    Dims starts(rank, 0);
    int64_t rest = number;
    for (int i = axes - 1; i >= 0; --i) {
      starts[i + 2] = rest % kernel[i] * dilation[i] + before[i + 2] - low[i];
      rest /= kernel[i];
    }
    Val products = slice(x, starts, results, steps) * y;
    Val channels = sum(sum(products, {rank - 1}, false), others, false);
    sums.push_back(reshape(channels, {groups, 1}));
  }
  return cast(reshape(concatenate(sums, 1), join({{groups, 1}, kernel})), dtype);
}

} // namespace weft::build
