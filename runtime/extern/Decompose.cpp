// Decompositions of real matrices.
#include "runtime/extern/Decompose.h"

#include <cstring>

using namespace weft;

namespace {

// scalars: dtype, m, n of x; of a; dtype, k of tau.
template <class T> struct Geqrf {
  int64_t m, n, k;
  Eigen::HouseholderQR<Matrix<T>> qr;
  explicit Geqrf(const int64_t *scalars) : m(scalars[1]), n(scalars[2]), k(scalars[7]), qr(m, n) {}

  void run(void *const *buffers, int64_t i) {
    if (!k)
      return;
    qr.compute(given<T>(buffers, 0, i, m, n));
    made<T>(buffers, 1, i, m, n) = qr.matrixQR();
    list<T>(buffers, 2, i, k) = qr.hCoeffs();
  }
  void fail(void *const *buffers, int64_t i) const {
    made<T>(buffers, 1, i, m, n).setConstant(notANumber<T>());
    list<T>(buffers, 2, i, k).setConstant(notANumber<T>());
  }
};

// scalars: dtype, m, n of a; dtype, m, k of b; of the solution; of the rank, dtype alone; rcond by its bits.
template <class T> struct LeastSquares {
  int64_t m, n, k;
  Eigen::CompleteOrthogonalDecomposition<Matrix<T>> decomposition;
  explicit LeastSquares(const int64_t *scalars) : m(scalars[1]), n(scalars[2]), k(scalars[5]), decomposition(m, n) {
    double rcond;
    static_assert(sizeof rcond == sizeof scalars[0]);
    std::memcpy(&rcond, &scalars[10], sizeof rcond);
    decomposition.setThreshold(T(rcond));
  }

  void run(void *const *buffers, int64_t i) {
    auto a = given<T>(buffers, 0, i, m, n), b = given<T>(buffers, 1, i, m, k);
    auto x = made<T>(buffers, 2, i, n, k);
    int64_t &rank = list<int64_t>(buffers, 3, i, 1)[0];
    rank = 0;
    x.setZero();
    if (!m || !n)
      return;
    if (!a.allFinite() || !b.allFinite())
      return fail(buffers, i);
    decomposition.compute(a);
    rank = decomposition.rank();
    if (rank && k)
      x = decomposition.solve(Matrix<T>(b));
  }
  void fail(void *const *buffers, int64_t i) const {
    made<T>(buffers, 2, i, n, k).setConstant(notANumber<T>());
    list<int64_t>(buffers, 3, i, 1)[0] = 0;
  }
};

} // namespace

WEFT_OF_HEAP(svd_ex, Svd, runAll)
WEFT_OF_HEAP(eigh_ex, Eigh, runAll)
WEFT_OF_HEAP(eig_ex, Eig, runAll)
WEFT_OF_HEAP(qr, Qr, runAll)
WEFT_OF_HEAP(geqrf, Geqrf, runAll)
WEFT_OF_HEAP(least_squares, LeastSquares, runAll)
