// Decompositions into orthogonal vectors.
#include "runtime/extern/Bidiagonal.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <cstring>

using namespace weft;

namespace {

// Of what is not finite, and where an iteration does not end.
enum Info : int32_t { kDone, kNotFinite, kNotConverged };

template <class T> constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();

template <class Vector> bool isTurned(const Vector &vector) {
  Eigen::Index at = 0;
  if (!vector.size())
    return false;
  vector.cwiseAbs().maxCoeff(&at);
  return vector(at) < 0;
}

// scalars: dtype, m, n of x; of U; dtype, k of S; dtype and sizes of Vh; of info; full_matrices.
template <class T> struct Svd {
  int64_t m, n, k, left, right;
  bool full;
  Matrix<T> u, v;
  Eigen::Matrix<T, Eigen::Dynamic, 1> values;
  explicit Svd(const int64_t *scalars)
      : m(scalars[1]), n(scalars[2]), k(scalars[7]), left(scalars[5]), right(scalars[9]), full(scalars[12] != 0) {}

  void run(void *const *buffers, int64_t i) {
    auto x = given<T>(buffers, 0, i, m, n);
    auto us = made<T>(buffers, 1, i, m, left), vh = made<T>(buffers, 3, i, right, n);
    list<int32_t>(buffers, 4, i, 1)[0] = kDone;
    if (!k) {
      us.setIdentity();
      vh.setIdentity();
      return;
    }
    if (!x.allFinite())
      return fail(buffers, i, kNotFinite);
    if (!decompose(x))
      return fail(buffers, i);
    us = u;
    list<T>(buffers, 2, i, k) = values;
    vh = v.transpose();
    for (int64_t c = 0; c < left; ++c)
      if (isTurned(us.col(c))) {
        us.col(c) = -us.col(c);
        if (c < k)
          vh.row(c) = -vh.row(c);
      }
    for (int64_t r = k; r < right; ++r)
      if (isTurned(vh.row(r)))
        vh.row(r) = -vh.row(r);
  }
  // Whether the iteration ended. QR steps take a third of the time of dividing and conquering up to some hundred
  // columns.
  bool decompose(const Given<T> &x) {
    constexpr int64_t kFew = 128;
    if (k <= kFew && (m >= n ? byQrSteps(x, u, v) : byQrSteps(x.transpose(), v, u)))
      return true;
    Eigen::BDCSVD<Matrix<T>> svd(x, full ? Eigen::ComputeFullU | Eigen::ComputeFullV
                                         : Eigen::ComputeThinU | Eigen::ComputeThinV);
    u = svd.matrixU();
    v = svd.matrixV();
    values = svd.singularValues();
    return svd.info() == Eigen::Success;
  }
  // x has at least as many rows as columns.
  template <class X> bool byQrSteps(const X &x, Matrix<T> &u, Matrix<T> &v) {
    const T greatest = x.cwiseAbs().maxCoeff(), scale = greatest > 0 ? greatest : T(1);
    Eigen::internal::UpperBidiagonalization<Matrix<T>> reduced(Matrix<T>(x / scale));
    Matrix<T> band = reduced.bidiagonal().toDenseMatrix();
    u = reduced.householderU() * Matrix<T>::Identity(x.rows(), full ? x.rows() : k);
    v = reduced.householderV() * Matrix<T>::Identity(k, k);
    values = band.diagonal();
    Eigen::Matrix<T, Eigen::Dynamic, 1> above(k);
    above.head(k - 1) = band.diagonal(1).head(k - 1);
    bool done = Bidiagonal<T>(values.data(), above.data(), k, u, v).run();
    values *= scale;
    return done;
  }
  void fail(void *const *buffers, int64_t i, Info info = kNotConverged) const {
    made<T>(buffers, 1, i, m, left).setConstant(kNaN<T>);
    list<T>(buffers, 2, i, k).setConstant(kNaN<T>);
    made<T>(buffers, 3, i, right, n).setConstant(kNaN<T>);
    list<int32_t>(buffers, 4, i, 1)[0] = info;
  }
};

// scalars: dtype, n, n of x; dtype, n of the values; of the vectors; of info.
template <class T> struct Eigh {
  int64_t n;
  Eigen::SelfAdjointEigenSolver<Matrix<T>> solver;
  explicit Eigh(const int64_t *scalars) : n(scalars[1]) {}

  void run(void *const *buffers, int64_t i) {
    Matrix<T> x = given<T>(buffers, 0, i, n, n).template triangularView<Eigen::Lower>();
    list<int32_t>(buffers, 3, i, 1)[0] = kDone;
    if (!n)
      return;
    if (!x.allFinite())
      return fail(buffers, i, kNotFinite);
    solver.compute(x);
    if (solver.info() != Eigen::Success)
      return fail(buffers, i);
    list<T>(buffers, 1, i, n) = solver.eigenvalues();
    auto vectors = made<T>(buffers, 2, i, n, n);
    vectors = solver.eigenvectors();
    for (int64_t c = 0; c < n; ++c)
      if (isTurned(vectors.col(c)))
        vectors.col(c) = -vectors.col(c);
  }
  void fail(void *const *buffers, int64_t i, Info info = kNotConverged) const {
    list<T>(buffers, 1, i, n).setConstant(kNaN<T>);
    made<T>(buffers, 2, i, n, n).setConstant(kNaN<T>);
    list<int32_t>(buffers, 3, i, 1)[0] = info;
  }
};

// scalars: dtype, m, n of x; of Q; of R; complete.
template <class T> struct Qr {
  int64_t m, n, k;
  Eigen::HouseholderQR<Matrix<T>> qr;
  explicit Qr(const int64_t *scalars) : m(scalars[1]), n(scalars[2]), k(scalars[5]), qr(m, n) {}

  void run(void *const *buffers, int64_t i) {
    auto q = made<T>(buffers, 1, i, m, k), r = made<T>(buffers, 2, i, k, n);
    if (!m || !n) {
      q.setIdentity();
      return;
    }
    qr.compute(given<T>(buffers, 0, i, m, n));
    Matrix<T> columns = Matrix<T>::Identity(m, k);
    columns.applyOnTheLeft(qr.householderQ());
    q = columns;
    r = qr.matrixQR().topRows(k).template triangularView<Eigen::Upper>();
  }
  void fail(void *const *buffers, int64_t i) const {
    made<T>(buffers, 1, i, m, k).setConstant(kNaN<T>);
    made<T>(buffers, 2, i, k, n).setConstant(kNaN<T>);
  }
};

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
    made<T>(buffers, 1, i, m, n).setConstant(kNaN<T>);
    list<T>(buffers, 2, i, k).setConstant(kNaN<T>);
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
    made<T>(buffers, 2, i, n, k).setConstant(kNaN<T>);
    list<int64_t>(buffers, 3, i, 1)[0] = 0;
  }
};

} // namespace

#define WEFT_OF_HEAP(name, Work)                                                                                       \
  int64_t weft_extern_##name##_workspace(const int64_t *) { return 0; }                                                \
  void weft_extern_##name(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {          \
    runAll<Work>(buffers, scalars, begin, end);                                                                        \
  }
WEFT_OF_HEAP(svd_ex, Svd)
WEFT_OF_HEAP(eigh_ex, Eigh)
WEFT_OF_HEAP(qr, Qr)
WEFT_OF_HEAP(geqrf, Geqrf)
WEFT_OF_HEAP(least_squares, LeastSquares)
