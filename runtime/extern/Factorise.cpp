// Triangles: factorisations into them, and solutions with them.
#include "runtime/extern/Eigen.h"

#include <Eigen/Cholesky>
#include <Eigen/LU>

using namespace weft;

namespace {

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

// Pivots and info count from 1. The info is 0, or the order of the first pivot that is 0.
template <class T>
void factoriseByRows(void *const *buffers, int64_t m, int64_t n, int64_t begin, int64_t end, void *scratch) {
  const int64_t k = std::min(m, n);
  Copy<T> work(static_cast<T *>(scratch), m, n);
  for (int64_t i = begin; i < end; ++i) {
    auto *pivots = static_cast<int32_t *>(buffers[2]) + i * k;
    int32_t swaps;
    work = given<T>(buffers, 0, i, m, n);
    Eigen::Index zero = k == 0 ? -1
                               : Eigen::internal::partial_lu_impl<T, Eigen::RowMajor, int32_t>::blocked_lu(
                                     m, n, work.data(), n, pivots, swaps);
    for (int64_t j = 0; j < k; ++j)
      ++pivots[j];
    made<T>(buffers, 1, i, m, n) = work;
    static_cast<int32_t *>(buffers[3])[i] = int32_t(zero + 1);
  }
}

template <class T>
void swapRows(void *const *buffers, int64_t m, int64_t n, int64_t k, bool backwards, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    auto *pivots = static_cast<const int32_t *>(buffers[1]) + i * k;
    auto rows = made<T>(buffers, 2, i, m, n);
    rows = given<T>(buffers, 0, i, m, n);
    for (int64_t step = 0; step < k; ++step) {
      const int64_t row = backwards ? k - 1 - step : step, other = pivots[row] - 1;
      if (row < m && other >= 0 && other < m && other != row)
        rows.row(row).swap(rows.row(other));
    }
  }
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

// scalars: dtype, m, n of x; of LU; dtype, k of the pivots; of info dtype alone.
int64_t weft_extern_lu_factor_ex_workspace(const int64_t *scalars) {
  return scalars[1] * scalars[2] * itemSize(scalars[0]);
}

void weft_extern_lu_factor_ex(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  fixBlocks();
  if (scalars[0] == WEFT_FLOAT64)
    factoriseByRows<double>(buffers, scalars[1], scalars[2], begin, end, scratch);
  else
    factoriseByRows<float>(buffers, scalars[1], scalars[2], begin, end, scratch);
}

// scalars: dtype, m, n of x; dtype, k of the pivots; of the result; backwards.
int64_t weft_extern_swap_rows_workspace(const int64_t *) { return 0; }
void weft_extern_swap_rows(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {
  if (scalars[0] == WEFT_FLOAT64)
    swapRows<double>(buffers, scalars[1], scalars[2], scalars[4], scalars[8] != 0, begin, end);
  else
    swapRows<float>(buffers, scalars[1], scalars[2], scalars[4], scalars[8] != 0, begin, end);
}

int64_t weft_extern_complex_cholesky_ex_workspace(const int64_t *scalars) {
  return scalars[1] * scalars[2] * 2 * itemSize(scalars[0]);
}

void weft_extern_complex_cholesky_ex(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end,
                                     void *scratch) {
  fixBlocks();
  if (scalars[0] == WEFT_FLOAT64)
    factoriseAll<std::complex<double>>(buffers, scalars[1], begin, end, scratch);
  else
    factoriseAll<std::complex<float>>(buffers, scalars[1], begin, end, scratch);
}

int64_t weft_extern_complex_lu_factor_ex_workspace(const int64_t *scalars) {
  return scalars[1] * scalars[2] * 2 * itemSize(scalars[0]);
}

void weft_extern_complex_lu_factor_ex(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end,
                                      void *scratch) {
  fixBlocks();
  if (scalars[0] == WEFT_FLOAT64)
    factoriseByRows<std::complex<double>>(buffers, scalars[1], scalars[2], begin, end, scratch);
  else
    factoriseByRows<std::complex<float>>(buffers, scalars[1], scalars[2], begin, end, scratch);
}
