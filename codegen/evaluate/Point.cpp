#include "codegen/evaluate/Point.h"

using namespace mlir;

namespace weft {

Point cut(KernelBuilder &k, const Point &point, const Sizes &shape, Boundaries boundaries) {
  Point result;
  for (Segment segment : point) {
    Point parts;
    for (int at = segment.end() - 1; at > segment.first; --at) {
      if (!(boundaries & boundary(at)))
        continue;
      Segment inner{at, segment.end() - at, k.index(0)};
      Size innerSize = product(shape, at, segment.end());
      if (product(shape, segment.first, at).is(1)) {
        inner.index = segment.index;
        segment.index = k.index(0);
      } else {
        std::tie(segment.index, inner.index) = k.split(segment.index, innerSize);
      }
      segment.count -= inner.count;
      parts.push_back(inner);
    }
    result.push_back(segment);
    result.append(parts.rbegin(), parts.rend());
  }
  return result;
}

static Value joined(KernelBuilder &k, ArrayRef<Segment> segments, const Sizes &shape) {
  Value whole = k.index(0);
  for (const Segment &segment : segments) {
    Size size = product(shape, segment.first, segment.end());
    if (!size.is(1))
      whole = k.join(whole, segment.index, size);
  }
  return whole;
}

Value linear(KernelBuilder &k, const Point &point, const Sizes &shape) { return joined(k, point, shape); }

namespace {

// Dimensions [from, fromEnd) of one shape that hold as many elements as [to, toEnd) of another.
struct Run {
  int from, fromEnd, to, toEnd;
};

} // namespace

static std::vector<Run> matchRuns(const Sizes &from, const Sizes &to) {
  std::vector<Run> runs;
  int i = 0, j = 0, n = int(from.size()), m = int(to.size());
  while (i < n || j < m) {
    Run run{i, i, j, j};
    Size a = i < n ? from[i++] : Size(1), b = j < m ? to[j++] : Size(1);
    while (a != b && (i < n || j < m)) {
      bool extendA = i < n && (j == m || divideExactly(b, a));
      bool extendB = j < m && (i == n || divideExactly(a, b));
      if (!extendA && !extendB)
        extendA = i < n, extendB = j < m;
      if (extendA)
        a = a * from[i++];
      else
        b = b * to[j++];
    }
    run.fromEnd = i;
    run.toEnd = j;
    runs.push_back(run);
  }
  return runs;
}

Point reshaped(KernelBuilder &k, const Point &point, const Sizes &from, const Sizes &to) {
  if (from == to)
    return point;
  std::vector<Run> merged;
  size_t segment = 0;
  for (const Run &run : matchRuns(from, to)) {
    bool spanned = !merged.empty();
    if (spanned) {
      spanned = false;
      for (const Segment &s : point)
        spanned |= s.first < run.from && run.from < s.end();
    }
    if (spanned) {
      merged.back().fromEnd = run.fromEnd;
      merged.back().toEnd = run.toEnd;
    } else {
      merged.push_back(run);
    }
  }
  Point result;
  for (const Run &run : merged) {
    size_t first = segment;
    while (segment < point.size() && point[segment].end() <= run.fromEnd)
      ++segment;
    if (run.to == run.toEnd)
      continue;
    Value index = joined(k, ArrayRef<Segment>(point).slice(first, segment - first), from);
    result.push_back({run.to, run.toEnd - run.to, index});
  }
  return result;
}

Boundaries reshapedBoundaries(const Sizes &from, const Sizes &to, Boundaries wanted) {
  if (from == to || !wanted)
    return from == to ? wanted : 0;
  Boundaries result = 0;
  for (const Run &run : matchRuns(from, to)) {
    if (run.to > 0 && (wanted & boundary(run.to)) && run.from > 0)
      result |= boundary(run.from);
    for (int at = run.to + 1; at < run.toEnd; ++at)
      if ((wanted & boundary(at)) && !product(to, run.to, at).is(1) && !product(to, at, run.toEnd).is(1))
        for (int b = run.from + 1; b < run.fromEnd; ++b)
          result |= boundary(b);
  }
  return result & allBoundaries(int(from.size()));
}

Boundaries stridedBoundaries(const Sizes &shape, const Sizes &strides) {
  Boundaries result = 0;
  int inner = -1; // the nearest inner dimension that is not of size 1
  for (int i = int(shape.size()) - 1; i >= 0; --i) {
    if (shape[i].is(1))
      continue;
    if (inner >= 0 && strides[i] != strides[inner] * shape[inner])
      result |= boundary(i + 1);
    inner = i;
  }
  return result;
}

std::optional<Sizes> reshapedStrides(const Sizes &from, const Sizes &strides, const Sizes &to) {
  Boundaries broken = stridedBoundaries(from, strides);
  Sizes result(to.size());
  for (const Run &run : matchRuns(from, to)) {
    for (int at = run.from + 1; at < run.fromEnd; ++at)
      if (broken & boundary(at))
        return std::nullopt;
    Size stride = mergedStride(from, strides, run.from, run.fromEnd);
    for (int at = run.toEnd - 1; at >= run.to; --at) {
      result[at] = stride;
      stride = stride * to[at];
    }
  }
  return result;
}

Size mergedStride(const Sizes &shape, const Sizes &strides, int first, int end) {
  for (int i = end - 1; i >= first; --i)
    if (!shape[i].is(1))
      return strides[i];
  return Size(0);
}

} // namespace weft
