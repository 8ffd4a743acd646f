// Rules of convolutions: [N, C, *sizes] and [O, C / groups, *kernel] make [N, O, *results].
#include "ir/Infer.h"

namespace weft::infer {

using Kind = UserError::Kind;

namespace {
// The attributes that all of them end with.
struct Windows {
  const Dims &stride, &low, &high, &dilation;
  int64_t groups;
  explicit Windows(const Attrs &attrs)
      : stride(attrs[attrs.size() - 5].ints), low(attrs[attrs.size() - 4].ints), high(attrs[attrs.size() - 3].ints),
        dilation(attrs[attrs.size() - 2].ints), groups(attrs.back().i) {}
};
} // namespace

static void checkWindows(const char *name, const TensorType *operands, int count, const Windows &w, int axes) {
  if (axes < 1 || axes > 3)
    mismatch(name, "the input must be [N, C, *sizes] with one to three sizes", operands, count,
             "add the axis of the batch with unsqueeze(0), or reshape");
  for (const Dims *list : {&w.stride, &w.low, &w.high, &w.dilation})
    if (list->size() != axes)
      mismatch(name,
               "stride, padding and dilation need " + std::to_string(axes) + " numbers each, not " +
                   toStringAsGiven(*list),
               operands, count, "give one number an axis");
  for (int i = 0; i < axes; ++i)
    if (w.stride[i] < 1 || w.dilation[i] < 1)
      mismatch(name,
               "stride and dilation must be positive, not " + toStringAsGiven(w.stride) + " and " +
                   toStringAsGiven(w.dilation),
               operands, count, "pass at least 1");
  if (w.groups < 1)
    mismatch(name, "groups must be positive, not " + std::to_string(w.groups), operands, count, "pass at least 1");
}

// Of the axes of sizes, and the channels of both sides.
static void checkKnown(const char *name, const TensorType *operands, int count) {
  for (int i = 0; i < count; ++i)
    for (int axis = i == 0 ? 1 : 0; axis < operands[i].shape.size(); ++axis)
      if (isSymbol(operands[i].shape[axis]))
        mismatch(name, "only the batch may be of any size", operands, count, "compile it for this shape");
}

static Dims resultsOf(const char *name, const TensorType *operands, int count, const Dims &sizes, const Dims &kernel,
                      const Windows &w) {
  Dims results;
  for (int i = 0; i < sizes.size(); ++i) {
    int64_t padded, spanned;
    bool fits = kernel[i] > 0 && !__builtin_add_overflow(sizes[i], w.low[i], &padded) &&
                !__builtin_add_overflow(padded, w.high[i], &padded) &&
                !__builtin_mul_overflow(kernel[i] - 1, w.dilation[i], &spanned);
    if (!fits || spanned >= padded)
      mismatch(name,
               "the kernel " + toString(kernel) + " with dilation " + toString(w.dilation) +
                   " is larger than the padded input: " + toString(sizes) + " with padding " + toStringAsGiven(w.low) +
                   " before and " + toStringAsGiven(w.high) + " after",
               operands, count, "pad more, or take a smaller kernel or dilation");
    results.push_back((padded - spanned - 1) / w.stride[i] + 1);
  }
  return results;
}

static Dims spatial(const TensorType &type) { return Dims(type.shape.begin() + 2, type.shape.end()); }

static TensorType convolution(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Float);
  const Dims &x = operands[0].shape, &weight = operands[1].shape;
  Windows w(attrs);
  checkWindows(name, operands, count, w, x.size() - 2);
  if (weight.size() != x.size())
    mismatch(name, "input and weight need the same number of axes", operands, count,
             "the weight is [out, in / groups, *kernel]");
  checkKnown(name, operands, count);
  if (weight[0] % w.groups || x[1] % w.groups || weight[0] == 0)
    mismatch(name, "the input's and the result's channels must be multiples of groups = " + std::to_string(w.groups),
             operands, count, "take groups that divide both");
  if (x[1] == 0)
    mismatch(name, "the input must have channels", operands, count, "check in_channels and the order of the axes");
  if (x[1] != weight[1] * w.groups)
    mismatch(name,
             "given groups=" + std::to_string(w.groups) + " and a weight of size " + toString(weight) +
                 ", the input must have " + std::to_string(weight[1] * w.groups) + " channels, but it has " +
                 std::to_string(x[1]),
             operands, count, "check in_channels and the order of the axes");
  if (count > 2 && operands[2].shape != Dims{weight[0]})
    mismatch(name, "the bias must be [" + std::to_string(weight[0]) + "], a number an output channel", operands, count,
             "check out_channels");
  Dims shape{x[0], weight[0]};
  for (int64_t size : resultsOf(name, operands, count, spatial(operands[0]), spatial(operands[1]), w))
    shape.push_back(size);
  return {operands[0].dtype, shape};
}

TensorType convGeneral(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  return convolution(name, operands, count, attrs);
}

TensorType conv(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  return convolution(name, operands, count, attrs);
}

TensorType convGeneralWeight(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Float);
  const Dims &x = operands[0].shape, &y = operands[1].shape, &kernel = attrs[0].ints;
  Windows w(attrs);
  checkWindows(name, operands, count, w, x.size() - 2);
  if (y.size() != x.size() || kernel.size() != x.size() - 2)
    mismatch(name, "input, gradient and kernel " + toStringAsGiven(kernel) + " need the same number of axes", operands,
             count, "they are [N, C, *sizes], [N, O, *results] and *kernel");
  checkKnown(name, operands, count);
  if (x[0] != y[0] || x[1] % w.groups || y[1] % w.groups ||
      spatial(operands[1]) != resultsOf(name, operands, count, spatial(operands[0]), kernel, w))
    mismatch(name, "the gradient is not of what such windows give", operands, count,
             "check batch, channels, groups and the results' sizes");
  Dims shape{y[1], x[1] / w.groups};
  for (int64_t size : kernel)
    shape.push_back(size);
  return {operands[0].dtype, shape};
}

TensorType convTranspose(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Float);
  const Dims &x = operands[0].shape, &weight = operands[1].shape, &sizes = attrs[0].ints;
  Windows w(attrs);
  checkWindows(name, operands, count, w, x.size() - 2);
  if (weight.size() != x.size() || sizes.size() != x.size() - 2)
    mismatch(name, "input, weight and sizes " + toStringAsGiven(sizes) + " need the same number of axes", operands,
             count, "the weight is [in, out / groups, *kernel]");
  checkKnown(name, operands, count);
  if (x[1] != weight[0])
    mismatch(name,
             "given a transposed weight of size " + toString(weight) + ", the input must have " +
                 std::to_string(weight[0]) + " channels, but it has " + std::to_string(x[1]),
             operands, count, "check in_channels and the order of the axes");
  if (x[1] % w.groups)
    mismatch(name, "the input's channels must be a multiple of groups = " + std::to_string(w.groups), operands, count,
             "take groups that divide them");
  if (spatial(operands[0]) != resultsOf(name, operands, count, sizes, spatial(operands[1]), w))
    mismatch(name, "windows over " + toString(sizes) + " do not give the input's sizes", operands, count,
             "check stride, padding and output_padding");
  Dims shape{x[0], weight[1] * w.groups};
  for (int64_t size : sizes)
    shape.push_back(size);
  return {operands[0].dtype, shape};
}

} // namespace weft::infer
