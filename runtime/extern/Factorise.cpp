// Dense linear algebra by Eigen, on copies in scratch memory: where a matrix lies decides in which order Eigen adds.
#include "runtime/extern/Extern.h"

#define EIGEN_NO_DEBUG
#include <Eigen/Cholesky>
#include <Eigen/Core>

namespace {

template <class T> using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T> using Given = Eigen::Map<const Matrix<T>>;
template <class T> using Made = Eigen::Map<Matrix<T>>;
// 64-byte aligned, as scratch memory is.
template <class T> using Copy = Eigen::Map<Matrix<T>, Eigen::AlignedMax>;

// The blocks of Eigen's products follow from the sizes of caches, and the order of sums from the blocks: they are the
// same on every machine.
void fixBlocks() {
  static const bool fixed = (Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 4 * 1024 * 1024), true);
  (void)fixed;
}

int64_t itemSize(int64_t dtype) { return dtype == WEFT_FLOAT64 ? 8 : 4; }
int64_t aligned(int64_t bytes) { return (bytes + 63) & ~int64_t(63); }

// The order of the leading minor that is not positive, or 0.
template <class T> int32_t factorise(const T *x, T *l, int64_t n, void *scratch) {
  Copy<T> work(static_cast<T *>(scratch), n, n);
  work = Given<T>(x, n, n);
  Eigen::Index bad = Eigen::internal::llt_inplace<T, Eigen::Lower>::blocked(work);
  Made<T>(l, n, n) = work.template triangularView<Eigen::Lower>();
  return int32_t(bad + 1);
}

template <class T> void factoriseAll(void *const *buffers, int64_t n, int64_t begin, int64_t end, void *scratch) {
  auto *x = static_cast<const T *>(buffers[0]);
  auto *l = static_cast<T *>(buffers[1]);
  auto *info = static_cast<int32_t *>(buffers[2]);
  for (int64_t i = begin; i < end; ++i)
    info[i] = factorise(x + i * n * n, l + i * n * n, n, scratch);
}

template <class T>
void solve(const T *a, const T *b, T *x, int64_t n, int64_t columns, const int64_t *attributes, void *scratch) {
  Copy<T> triangle(static_cast<T *>(scratch), n, n);
  Copy<T> work(reinterpret_cast<T *>(static_cast<char *>(scratch) + aligned(n * n * int64_t(sizeof(T)))), n, columns);
  bool upper = attributes[0] != 0;
  triangle = Given<T>(a, n, n);
  if (attributes[1]) {
    triangle.transposeInPlace();
    upper = !upper;
  }
  work = Given<T>(b, n, columns);
  if (attributes[2])
    upper ? triangle.template triangularView<Eigen::UnitUpper>().solveInPlace(work)
          : triangle.template triangularView<Eigen::UnitLower>().solveInPlace(work);
  else
    upper ? triangle.template triangularView<Eigen::Upper>().solveInPlace(work)
          : triangle.template triangularView<Eigen::Lower>().solveInPlace(work);
  Made<T>(x, n, columns) = work;
}

template <class T>
void solveAll(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  int64_t n = scalars[1], columns = scalars[5];
  for (int64_t i = begin; i < end; ++i)
    solve(static_cast<const T *>(buffers[0]) + i * n * n, static_cast<const T *>(buffers[1]) + i * n * columns,
          static_cast<T *>(buffers[2]) + i * n * columns, n, columns, scalars + 9, scratch);
}

} // namespace

// scalars: dtype, n, n of x; of L; of info dtype alone, as its core sizes are none.
int64_t weft_extern_cholesky_ex_workspace(const int64_t *scalars) {
  return scalars[1] * scalars[2] * itemSize(scalars[0]);
}

void weft_extern_cholesky_ex(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  fixBlocks();
  if (scalars[0] == WEFT_FLOAT64)
    factoriseAll<double>(buffers, scalars[1], begin, end, scratch);
  else
    factoriseAll<float>(buffers, scalars[1], begin, end, scratch);
}

// scalars: dtype, n, n of a; dtype, n, k of b; of x; upper, transposed, unitriangular.
int64_t weft_extern_solve_triangular_workspace(const int64_t *scalars) {
  int64_t item = itemSize(scalars[0]);
  return aligned(scalars[1] * scalars[2] * item) + scalars[4] * scalars[5] * item;
}

void weft_extern_solve_triangular(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end,
                                  void *scratch) {
  fixBlocks();
  if (scalars[0] == WEFT_FLOAT64)
    solveAll<double>(buffers, scalars, begin, end, scratch);
  else
    solveAll<float>(buffers, scalars, begin, end, scratch);
}
