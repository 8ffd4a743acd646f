// What the functions that are made of Eigen's share. They work on copies: where a matrix lies decides in which order
// Eigen adds.
#pragma once
#include "runtime/extern/Extern.h"

#define EIGEN_NO_DEBUG
#include <Eigen/Core>
#include <complex>
#include <limits>
#include <new>

namespace weft {

template <class T> using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T> using Given = Eigen::Map<const Rows<T>>;
template <class T> using Made = Eigen::Map<Rows<T>>;
// 64-byte aligned, as scratch memory is.
template <class T> using Copy = Eigen::Map<Rows<T>, Eigen::AlignedMax>;
template <class T> using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T> using List = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>>;

inline int64_t itemSize(int64_t dtype) { return dtype == WEFT_FLOAT64 ? 8 : 4; }
inline int64_t aligned(int64_t bytes) { return (bytes + 63) & ~int64_t(63); }

// Matrix i of a buffer of such matrices.
template <class T> Given<T> given(void *const *buffers, int buffer, int64_t i, int64_t rows, int64_t columns) {
  return {static_cast<const T *>(buffers[buffer]) + i * rows * columns, rows, columns};
}
template <class T> Made<T> made(void *const *buffers, int buffer, int64_t i, int64_t rows, int64_t columns) {
  return {static_cast<T *>(buffers[buffer]) + i * rows * columns, rows, columns};
}
template <class T> List<T> list(void *const *buffers, int buffer, int64_t i, int64_t size) {
  return {static_cast<T *>(buffers[buffer]) + i * size, size};
}

// The blocks of Eigen's products follow from the sizes of caches, and the order of sums from the blocks: they are the
// same on every machine.
inline void fixBlocks() {
  static const bool fixed = (Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 4 * 1024 * 1024), true);
  (void)fixed;
}

// Work<T>(scalars) has run(buffers, i) for each batch, and fail(buffers, i), which says so where memory is short.
template <template <class> class Work, class T>
void runAllOf(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end) {
  Work<T> work(scalars);
  for (int64_t i = begin; i < end; ++i) {
    try {
      work.run(buffers, i);
    } catch (const std::bad_alloc &) {
      work.fail(buffers, i);
    }
  }
}

// scalars[0] is the dtype.
template <template <class> class Work>
void runAll(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end) {
  fixBlocks();
  if (scalars[0] == WEFT_FLOAT64)
    runAllOf<Work, double>(buffers, scalars, begin, end);
  else
    runAllOf<Work, float>(buffers, scalars, begin, end);
}
// The same of complex numbers, whose parts have the dtype.
template <template <class> class Work>
void runAllComplex(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end) {
  fixBlocks();
  if (scalars[0] == WEFT_FLOAT64)
    runAllOf<Work, std::complex<double>>(buffers, scalars, begin, end);
  else
    runAllOf<Work, std::complex<float>>(buffers, scalars, begin, end);
}

} // namespace weft
