// Windows over the last axes, as slices of the padded tensor: one for each position in a window.
#include "ir/Composites.h"

#include <limits>

namespace weft::build {

namespace {

struct Windows {
  const Dims &kernel, &stride, &low, &high, &dilation;
  int lead; // axes before
  Dims shape, padded, counts;

  Windows(const Dims &shape, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high,
          const Dims &dilation)
      : kernel(kernel), stride(stride), low(low), high(high), dilation(dilation), lead(shape.size() - kernel.size()),
        shape(shape), padded(shape), counts(shape) {
    for (int i = 0; i < kernel.size(); ++i) {
      padded[lead + i] += low[i] + high[i];
      counts[lead + i] = (padded[lead + i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i] + 1;
    }
  }
  int64_t size() const { return kernel.product(); }
  Dims alongLast(const Dims &values) const {
    Dims all(shape.size(), 0);
    for (int i = 0; i < values.size(); ++i)
      all[lead + i] = values[i];
    return all;
  }
  Val pad(Val x, double value) const {
    return build::pad(x, alongLast(low), alongLast(high), Dims(shape.size(), 0), value);
  }
  // Of the number-th position, in row-major order: its place in the first window.
  Dims place(int64_t number) const {
    Dims place = kernel;
    for (int i = kernel.size() - 1; i >= 0; --i) {
      place[i] = number % kernel[i] * dilation[i];
      number /= kernel[i];
    }
    return place;
  }
  // The elements at the place in all windows, and from what is there the padded tensor, zero elsewhere.
  Val at(Val padded, const Dims &place) const {
    Dims steps(shape.size(), 1);
    for (int i = 0; i < kernel.size(); ++i)
      steps[lead + i] = stride[i];
    return slice(padded, alongLast(place), counts, steps);
  }
  Val spread(Val y, const Dims &place) const {
    Dims before = alongLast(place), after = before, between = before;
    for (int i = 0; i < kernel.size(); ++i) {
      between[lead + i] = stride[i] - 1;
      after[lead + i] = padded[lead + i] - (counts[lead + i] - 1) * stride[i] - 1 - place[i];
    }
    return build::pad(y, before, after, between, 0.0);
  }
  Val unpadded(Val x) const { return slice(x, alongLast(low), shape, Dims(shape.size(), 1)); }
  // Whether each element is in one window.
  bool parts() const {
    bool parts = true;
    for (int i = 0; i < kernel.size(); ++i)
      parts &=
          kernel[i] == stride[i] && dilation[i] == 1 && low[i] == 0 && high[i] == 0 && shape[lead + i] % kernel[i] == 0;
    return parts && shape.size() + kernel.size() <= kMaxRank;
  }
  // y and each position's number (null: nothing) side by side: [..., counts[0], kernel[0], counts[1], ...].
  Dims partShape() const {
    Dims split(shape.begin(), shape.begin() + lead);
    for (int i = 0; i < kernel.size(); ++i) {
      split.push_back(counts[lead + i]);
      split.push_back(kernel[i]);
    }
    return split;
  }
  Val repeated(Val y) const {
    Dims split = partShape(), ones = split;
    for (int i = 0; i < kernel.size(); ++i)
      ones[lead + 2 * i + 1] = 1;
    return expand(reshape(y, ones), split);
  }
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The number of the first element of each window that is none of the padding's.
Val firstInside(Val x, const Windows &w, DType dtype) {
  Val number = filled(x, w.counts, dtype, 0), none = number;
  int64_t apart = w.size(); // what the number grows by from one element of this axis to the next
  for (int i = 0; i < w.kernel.size(); ++i) {
    apart /= w.kernel[i];
    for (int64_t k = 0; k < w.kernel[i] - 1 && k * w.dilation[i] < w.low[i]; ++k) {
      Val start = iota(x, w.counts, w.lead + i, DType::Int32) * double(w.stride[i]);
      Val isPadding = start < double(w.low[i] - k * w.dilation[i]);
      number = number + where(isPadding, filled(x, w.counts, dtype, double(apart)), none);
    }
  }
  return number;
}

// The number of the first greatest element of each window, or of the last NaN.
Val greatest(Val x, const Windows &w) {
  Val padded = w.pad(x, -kInfinity), best = w.at(padded, w.place(0));
  DType dtype = w.size() <= 256 ? DType::UInt8 : DType::Int32;
  Val number = firstInside(x, w, dtype); // where nothing is greater than minus infinity
  for (int64_t i = 1; i < w.size(); ++i) {
    Val other = w.at(padded, w.place(i)), better = logical_or(other > best, other != other);
    number = where(better, filled(x, w.counts, dtype, double(i)), number);
    if (i + 1 < w.size())
      best = where(better, other, best);
  }
  return number;
}

} // namespace

Val windowMaximum(Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high,
                  const Dims &dilation) {
  Windows w(x.shape(), kernel, stride, low, high, dilation);
  Val padded = w.pad(x, -kInfinity), best = w.at(padded, w.place(0));
  for (int64_t i = 1; i < w.size(); ++i)
    best = maximum(best, w.at(padded, w.place(i)));
  return best;
}

Val windowMaximumIndex(Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high,
                       const Dims &dilation) {
  Windows w(x.shape(), kernel, stride, low, high, dilation);
  Val number = greatest(x, w), index = filled(x, w.counts, DType::Int64, 0);
  for (int64_t i = 0; i < w.size(); ++i) {
    Dims place = w.place(i);
    Val at = filled(x, w.counts, DType::Int64, 0);
    for (int axis = 0; axis < kernel.size(); ++axis)
      at = at * double(w.shape[w.lead + axis]) +
           (iota(x, w.counts, w.lead + axis, DType::Int64) * double(stride[axis]) + double(place[axis] - low[axis]));
    index = where(number == double(i), at, index);
  }
  return index;
}

Val windowMaximumGradient(Val ct, Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high,
                          const Dims &dilation) {
  Windows w(x.shape(), kernel, stride, low, high, dilation);
  Val number = greatest(x, w);
  if (w.parts()) {
    Dims split = w.partShape();
    Val own = filled(x, split, number.dtype(), 0);
    for (int axis = 0; axis < kernel.size(); ++axis)
      own = own * double(kernel[axis]) + iota(x, split, w.lead + 2 * axis + 1, number.dtype());
    return reshape(where(w.repeated(number) == own, w.repeated(ct), 0.0), w.shape);
  }
  Val total;
  for (int64_t i = 0; i < w.size(); ++i) {
    Val part = w.spread(where(number == double(i), ct, 0.0), w.place(i));
    total = total ? total + part : part;
  }
  return w.unpadded(total);
}

Val windowSum(Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high) {
  Dims ones(kernel.size(), 1);
  Windows w(x.shape(), kernel, stride, low, high, ones);
  Val padded = w.pad(x, 0.0), total;
  for (int64_t i = 0; i < w.size(); ++i) {
    Val part = w.at(padded, w.place(i));
    total = total ? total + part : part;
  }
  return total;
}

Val windowSumGradient(Val ct, const Dims &shape, const Dims &kernel, const Dims &stride, const Dims &low,
                      const Dims &high) {
  Dims ones(kernel.size(), 1);
  Windows w(shape, kernel, stride, low, high, ones);
  if (w.parts())
    return reshape(w.repeated(ct), shape);
  Val total;
  for (int64_t i = 0; i < w.size(); ++i) {
    Val part = w.spread(ct, w.place(i));
    total = total ? total + part : part;
  }
  return w.unpadded(total);
}

Val windowCounts(Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high, bool includePad,
                 int64_t divisor) {
  Dims ones(kernel.size(), 1);
  Windows w(x.shape(), kernel, stride, low, high, ones);
  double factor = divisor ? double(divisor) : 1;
  Val product;
  for (int axis = 0; axis < kernel.size() && !divisor; ++axis) {
    int64_t size = w.shape[w.lead + axis], count = w.counts[w.lead + axis], pad = low[axis];
    auto counted = [&](int64_t i) {
      int64_t start = i * stride[axis] - pad, end = std::min(start + kernel[axis], size + pad);
      return includePad ? end - start : std::min(end, size) - std::max<int64_t>(start, 0);
    };
    bool same = true;
    for (int64_t i = 0; i < count; ++i)
      same &= counted(i) == counted(0);
    if (same) {
      factor *= double(counted(0));
      continue;
    }
    Val start = iota(x, w.counts, w.lead + axis, x.dtype()) * double(stride[axis]) - double(pad);
    auto atMost = [&](Val v, double bound) { return minimum(v, filled(v, v.shape(), v.dtype(), bound)); };
    Val end = atMost(start + double(kernel[axis]), double(includePad ? size + pad : size));
    Val length = end - (includePad ? start : atLeast(start, 0.0));
    product = product ? product * length : length;
  }
  Val number = filled(x, w.counts, x.dtype(), factor);
  return product ? product * number : number;
}

} // namespace weft::build
