// Symmetric matrices that need not be definite, as L D L^T with rows and columns interchanged and blocks of 1 or 2 in
// D: the method and the form of LAPACK's sytf2 and sytrs for the lower triangle; Bunch and Kaufman, "Some stable
// methods for calculating inertia and solving symmetric linear systems", 1977.
#include "runtime/extern/Extern.h"

#include <algorithm>
#include <cmath>

namespace {

template <class T> struct Square {
  T *data;
  int64_t n;
  T &operator()(int64_t row, int64_t column) const { return data[row * n + column]; }
};

template <class T> class Factorisation {
public:
  Factorisation(Square<T> a, int32_t *pivots) : a(a), pivots(pivots), n(a.n) {}

  // 0, or the order of the first block that is zero.
  int32_t run() {
    int32_t info = 0;
    for (int64_t k = 0; k < n;) {
      Pivot pivot = choose(k);
      if (pivot.isZero && !info)
        info = int32_t(k + 1);
      int64_t last = k + pivot.size - 1;
      if (pivot.row != last)
        interchange(k, last, pivot);
      if (pivot.size == 1 && !pivot.isZero)
        eliminate(k);
      else if (pivot.size == 2)
        eliminateTwo(k);
      for (int64_t i = k; i <= last; ++i)
        pivots[i] = int32_t(pivot.size == 1 ? pivot.row + 1 : -(pivot.row + 1));
      k += pivot.size;
    }
    return info;
  }

private:
  Square<T> a;
  int32_t *pivots;
  int64_t n;
  struct Pivot {
    int64_t row;
    int size = 1;
    bool isZero = false;
  };

  Pivot choose(int64_t k) const {
    const T alpha = T((1 + std::sqrt(17.0)) / 8), diagonal = std::abs(a(k, k));
    int64_t below = k;
    T greatest = 0;
    for (int64_t i = k + 1; i < n; ++i)
      if (std::abs(a(i, k)) > greatest)
        greatest = std::abs(a(i, k)), below = i;
    if (std::max(diagonal, greatest) == 0 || std::isnan(diagonal))
      return {k, 1, true};
    if (diagonal >= alpha * greatest)
      return {k};
    T inRow = 0;
    for (int64_t j = k; j < below; ++j)
      inRow = std::max(inRow, std::abs(a(below, j)));
    for (int64_t i = below + 1; i < n; ++i)
      inRow = std::max(inRow, std::abs(a(i, below)));
    if (diagonal >= alpha * greatest * (greatest / inRow))
      return {k};
    return {below, std::abs(a(below, below)) >= alpha * inRow ? 1 : 2};
  }

  void interchange(int64_t k, int64_t last, const Pivot &pivot) {
    const int64_t row = pivot.row;
    for (int64_t i = row + 1; i < n; ++i)
      std::swap(a(i, last), a(i, row));
    for (int64_t i = last + 1; i < row; ++i)
      std::swap(a(i, last), a(row, i));
    std::swap(a(last, last), a(row, row));
    if (pivot.size == 2)
      std::swap(a(k + 1, k), a(row, k));
  }

  void eliminate(int64_t k) {
    const T inverse = 1 / a(k, k);
    for (int64_t i = k + 1; i < n; ++i) {
      const T factor = inverse * a(i, k);
      for (int64_t j = k + 1; j <= i; ++j)
        a(i, j) -= factor * a(j, k);
    }
    for (int64_t i = k + 1; i < n; ++i)
      a(i, k) *= inverse;
  }

  void eliminateTwo(int64_t k) {
    const T between = a(k + 1, k), first = a(k + 1, k + 1) / between, second = a(k, k) / between;
    const T scale = 1 / (first * second - 1) / between;
    for (int64_t j = k + 2; j < n; ++j) {
      const T one = scale * (first * a(j, k) - a(j, k + 1)), two = scale * (second * a(j, k + 1) - a(j, k));
      for (int64_t i = j; i < n; ++i)
        a(i, j) -= a(i, k) * one + a(i, k + 1) * two;
      a(j, k) = one;
      a(j, k + 1) = two;
    }
  }
};

template <class T> void factoriseAll(void *const *buffers, int64_t n, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    Square<T> made{static_cast<T *>(buffers[1]) + i * n * n, n};
    auto *x = static_cast<const T *>(buffers[0]) + i * n * n;
    for (int64_t row = 0; row < n; ++row)
      for (int64_t column = 0; column < n; ++column)
        made(row, column) = column <= row ? x[row * n + column] : T(0);
    static_cast<int32_t *>(buffers[3])[i] = Factorisation<T>(made, static_cast<int32_t *>(buffers[2]) + i * n).run();
  }
}

template <class T> struct Solution {
  Square<T> a;
  const int32_t *pivots;
  T *b;
  int64_t n, columns;

  bool isPair(int64_t k) const { return pivots[k] < 0 && k + 1 < n; }
  // Pivots that name no row, which are none of a factorisation's, move nothing.
  void swapWith(int64_t row, int32_t pivot) {
    int64_t other = std::abs(int64_t(pivot)) - 1;
    if (other >= 0 && other < n && other != row)
      std::swap_ranges(b + row * columns, b + (row + 1) * columns, b + other * columns);
  }
  // Row `to` less `factor` times row `from`.
  void subtract(int64_t to, T factor, int64_t from) {
    for (int64_t j = 0; j < columns; ++j)
      b[to * columns + j] -= factor * b[from * columns + j];
  }
  void run() {
    int64_t k = 0;
    while (k < n)
      k += isPair(k) ? divideTwo(k) : divide(k);
    for (k = n - 1; k >= 0;) {
      bool pair = pivots[k] < 0 && k > 0;
      for (int64_t row = k; row >= k - pair; --row)
        for (int64_t i = k + 1; i < n; ++i)
          subtract(row, a(i, row), i);
      swapWith(k, pivots[k]);
      k -= 1 + pair;
    }
  }
  int divide(int64_t k) {
    swapWith(k, pivots[k]);
    for (int64_t i = k + 1; i < n; ++i)
      subtract(i, a(i, k), k);
    for (int64_t j = 0; j < columns; ++j)
      b[k * columns + j] /= a(k, k);
    return 1;
  }
  int divideTwo(int64_t k) {
    swapWith(k + 1, pivots[k]);
    for (int64_t i = k + 2; i < n; ++i) {
      subtract(i, a(i, k), k);
      subtract(i, a(i, k + 1), k + 1);
    }
    const T between = a(k + 1, k), first = a(k, k) / between, second = a(k + 1, k + 1) / between;
    const T determinant = first * second - 1;
    for (int64_t j = 0; j < columns; ++j) {
      T &x = b[k * columns + j], &y = b[(k + 1) * columns + j];
      const T one = x / between, two = y / between;
      x = (second * one - two) / determinant;
      y = (first * two - one) / determinant;
    }
    return 2;
  }
};

template <class T> void solveAll(void *const *buffers, int64_t n, int64_t columns, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    auto *b = static_cast<const T *>(buffers[2]) + i * n * columns;
    T *x = static_cast<T *>(buffers[3]) + i * n * columns;
    std::copy(b, b + n * columns, x);
    Square<T> a{static_cast<T *>(buffers[0]) + i * n * n, n};
    Solution<T>{a, static_cast<const int32_t *>(buffers[1]) + i * n, x, n, columns}.run();
  }
}

} // namespace

// scalars: dtype, n, n of x; of LD; dtype, n of the pivots; of info.
int64_t weft_extern_ldl_factor_ex_workspace(const int64_t *) { return 0; }
void weft_extern_ldl_factor_ex(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {
  if (scalars[0] == WEFT_FLOAT64)
    factoriseAll<double>(buffers, scalars[1], begin, end);
  else
    factoriseAll<float>(buffers, scalars[1], begin, end);
}

// scalars: dtype, n, n of LD; dtype, n of the pivots; dtype, n, k of b; of x.
int64_t weft_extern_ldl_solve_workspace(const int64_t *) { return 0; }
void weft_extern_ldl_solve(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {
  if (scalars[0] == WEFT_FLOAT64)
    solveAll<double>(buffers, scalars[1], scalars[7], begin, end);
  else
    solveAll<float>(buffers, scalars[1], scalars[7], begin, end);
}
