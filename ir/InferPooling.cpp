// Rules of windows over the last axes, and of channels.
#include "ir/Infer.h"

namespace weft::infer {

TensorType pool(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Float);
  TensorType result = operands[0];
  const Dims &kernel = attrs[0].ints;
  int axes = kernel.size(), lead = result.shape.size() - axes;
  for (int list = 1; list < 5; ++list)
    if (axes < 1 || lead < 0 || attrs[size_t(list)].ints.size() != axes)
      mismatch(name, "kernel, stride, padding and dilation need a number each for some of the last axes", operands,
               count, "give one number an axis");
  for (int i = 0; i < axes; ++i) {
    int64_t &size = result.shape[lead + i], low = attrs[2].ints[i], high = attrs[3].ints[i];
    if (isSymbol(size))
      mismatch(name, "the axes of windows need known sizes", operands, count, "compile it for this shape");
    if (kernel[i] < 1 || attrs[1].ints[i] < 1 || attrs[4].ints[i] < 1 || low < 0 || high < 0)
      mismatch(name, "kernel, stride and dilation must be positive and the padding not negative", operands, count,
               "pass at least 1, or 0 as padding");
    int64_t padded, spanned;
    bool fits = !__builtin_add_overflow(size, low, &padded) && !__builtin_add_overflow(padded, high, &padded) &&
                !__builtin_mul_overflow(kernel[i] - 1, attrs[4].ints[i], &spanned) && spanned < padded;
    if (!fits)
      mismatch(name, "windows of " + toString(kernel) + " are larger than the padded input", operands, count,
               "pad more, or take smaller windows");
    size = (padded - spanned - 1) / attrs[1].ints[i] + 1;
  }
  return result;
}

TensorType poolIndex(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  return {DType::Int64, pool(name, operands, count, attrs).shape};
}

static void checkChannels(const char *name, const TensorType *operands, int count) {
  checkDType(name, operands, count, Float);
  if (operands[0].shape.size() < 2)
    mismatch(name, "the input must be [N, C, ...]", operands, count, "reshape or unsqueeze it");
}

TensorType channelReduction(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkChannels(name, operands, count);
  return {operands[0].dtype, {operands[0].shape[1]}};
}

TensorType normalizeChannels(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkChannels(name, operands, count);
  for (int i = 1; i < count; ++i)
    if (operands[i].shape != Dims{operands[0].shape[1]})
      mismatch(name, "mean, variance, weight and bias must be " + toString(Dims{operands[0].shape[1]}), operands, count,
               "give one number a channel");
  return operands[0];
}

} // namespace weft::infer
