// 1. Neighbouring axes that both layouts walk as one become one. 2. The innermost axis is a run; each task takes some
// of the runs, or, where there is one alone, a part of it.
#include "frontend/tensor/StridedCopy.h"

#include "frontend/tensor/Snapshot.h"
#include "runtime/BlockingRegion.h"
#include "runtime/cpu/ThreadPool.h"

#include <algorithm>
#include <cstring>

namespace weft {
namespace {

constexpr int64_t kLongBytes = 1 << 16; // take more than some microseconds, if the elements lie apart
constexpr int64_t kTaskBytes = 1 << 18; // fewer are not worth a thread

struct Layouts {
  Dims shape, from, to;
};

// An element wherever it lies: NumPy's memory may begin at any byte.
template <class T> struct __attribute__((packed)) Element {
  T bits;
};

Layouts merged(const Dims &shape, const Dims &from, const Dims &to) {
  Layouts result;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1)
      continue;
    Layouts &r = result;
    if (!r.shape.empty() && r.from.back() == from[i] * shape[i] && r.to.back() == to[i] * shape[i]) {
      r.shape.back() *= shape[i];
      r.from.back() = from[i];
      r.to.back() = to[i];
    } else {
      r.shape.push_back(shape[i]);
      r.from.push_back(from[i]);
      r.to.push_back(to[i]);
    }
  }
  if (result.shape.empty())
    result = {{1}, {1}, {1}};
  return result;
}

template <class T> void copyRun(const T *from, T *to, int64_t count, int64_t fromStep, int64_t toStep) {
  if (fromStep == 1 && toStep == 1)
    std::memcpy(to, from, size_t(count) * sizeof(T));
  else
    for (int64_t i = 0; i < count; ++i)
      to[i * toStep] = from[i * fromStep];
}

// Runs [begin, end), numbered in row-major order of the axes but the last.
template <class T> void copyRuns(const Layouts &l, const T *from, T *to, int64_t begin, int64_t end) {
  int last = l.shape.size() - 1;
  Dims index(last, 0);
  int64_t rest = begin;
  for (int axis = last - 1; axis >= 0; --axis) {
    index[axis] = rest % l.shape[axis];
    rest /= l.shape[axis];
    from += index[axis] * l.from[axis];
    to += index[axis] * l.to[axis];
  }
  for (int64_t run = begin; run < end; ++run) {
    copyRun(from, to, l.shape[last], l.from[last], l.to[last]);
    for (int axis = last - 1; axis >= 0; --axis) {
      from += l.from[axis];
      to += l.to[axis];
      if (++index[axis] < l.shape[axis])
        break;
      from -= l.from[axis] * l.shape[axis];
      to -= l.to[axis] * l.shape[axis];
      index[axis] = 0;
    }
  }
}

template <class T> void copyElements(const Layouts &l, const void *source, void *destination) {
  auto *from = static_cast<const T *>(source);
  auto *to = static_cast<T *>(destination);
  int64_t length = l.shape.back(), runs = l.shape.product() / length, runBytes = length * int64_t(sizeof(T));
  if (runs * runBytes < 2 * kTaskBytes)
    return copyRuns(l, from, to, 0, runs);
  ThreadPool &pool = ThreadPool::global();
  if (runs > 1)
    pool.parallelFor(runs, std::max<int64_t>(1, kTaskBytes / runBytes),
                     [&](int64_t begin, int64_t end, void *) { copyRuns(l, from, to, begin, end); });
  else
    pool.parallelFor(length, kTaskBytes / int64_t(sizeof(T)), [&](int64_t begin, int64_t end, void *) {
      copyRun(from + begin * l.from[0], to + begin * l.to[0], end - begin, l.from[0], l.to[0]);
    });
}

} // namespace

void copyStrided(const Dims &shape, const void *source, const Dims &sourceStrides, void *destination,
                 const Dims &destinationStrides, int64_t itemBytes) {
  if (shape.product() == 0)
    return;
  Layouts layouts = merged(shape, sourceStrides, destinationStrides);
  BlockingRegion region(shape.product() * itemBytes >= kLongBytes);
  switch (itemBytes) {
  case 1:
    return copyElements<uint8_t>(layouts, source, destination);
  case 2:
    return copyElements<Element<uint16_t>>(layouts, source, destination);
  case 4:
    return copyElements<Element<uint32_t>>(layouts, source, destination);
  default:
    return copyElements<Element<uint64_t>>(layouts, source, destination);
  }
}

void copyStrided(const Tensor &givenSource, const Tensor &givenDestination) {
  Snapshot now[2] = {{&givenSource, 1}, {&givenDestination, 1}};
  const Tensor &source = *now[0].data(), &destination = *now[1].data();
  int64_t itemBytes = itemSize(source.dtype());
  auto first = [&](const Tensor &t) { return static_cast<char *>(t.impl->storage->data()) + t.offset() * itemBytes; };
  copyStrided(source.shape(), first(source), source.strides(), first(destination), destination.strides(), itemBytes);
}

} // namespace weft
