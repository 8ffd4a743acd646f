// Decompositions into orthogonal vectors and into eigenvectors, of real and of complex matrices.
#pragma once
#include "runtime/extern/Bidiagonal.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <complex>

namespace weft {

// Of what is not finite, and where an iteration does not end.
enum Info : int32_t { kDone, kNotFinite, kNotConverged };

template <class T> struct IsComplex : std::false_type {};
template <class T> struct IsComplex<std::complex<T>> : std::true_type {};
template <class T> using PartOf = typename Eigen::NumTraits<T>::Real;
template <class T> constexpr T notANumber() {
  constexpr PartOf<T> nan = std::numeric_limits<PartOf<T>>::quiet_NaN();
  if constexpr (IsComplex<T>::value)
    return {nan, nan};
  else
    return nan;
}

// Reads the sizes of operands and results, one after the other: each has its dtype first, numbers on complex matrices
// and lists a size of 2 last.
template <class T> class Sizes {
public:
  explicit Sizes(const int64_t *scalars) : at(scalars) {}
  void matrix(int64_t &rows, int64_t &columns) {
    rows = at[1], columns = at[2];
    at += 3 + IsComplex<T>::value;
  }
  int64_t list() { return at += 2, at[-1]; } // of real numbers
  void info() { ++at; }
  bool attribute() { return *at++ != 0; }

private:
  const int64_t *at;
};

// The number of length 1 that makes the first greatest element by magnitude real and positive; complex vectors.
template <class Vector> auto turnOf(const Vector &vector) {
  using T = typename Vector::Scalar;
  Eigen::Index at = 0;
  if (!vector.size())
    return T(1);
  PartOf<T> size = vector.cwiseAbs().maxCoeff(&at);
  return size > 0 ? std::conj(vector(at)) / size : T(1);
}

template <class Vector> bool isTurned(const Vector &vector) {
  Eigen::Index at = 0;
  if (!vector.size())
    return false;
  vector.cwiseAbs().maxCoeff(&at);
  return vector(at) < 0;
}

// Turns a column, and the row that goes with it by the conjugate, which leaves their product as it was.
template <class Columns, class Rows> void turn(Columns &&columns, int64_t column, Rows &&rows, bool withRow) {
  using T = typename std::decay_t<Columns>::Scalar;
  if constexpr (IsComplex<T>::value) {
    T by = turnOf(columns.col(column));
    columns.col(column) *= by;
    if (withRow)
      rows.row(column) *= std::conj(by);
  } else if (isTurned(columns.col(column))) {
    columns.col(column) = -columns.col(column);
    if (withRow)
      rows.row(column) = -rows.row(column);
  }
}
template <class Columns> void turn(Columns &&columns, int64_t column) { turn(columns, column, columns, false); }

// scalars: x [m, n]; U [m, left]; S [k]; Vh [right, n]; info; full_matrices.
template <class T> struct Svd {
  int64_t m, n, k, left, right;
  bool full;
  Matrix<T> u, v;
  Eigen::Matrix<PartOf<T>, Eigen::Dynamic, 1> values;
  explicit Svd(const int64_t *scalars) {
    Sizes<T> sizes(scalars);
    int64_t rows, columns;
    sizes.matrix(m, n);
    sizes.matrix(rows, left);
    k = sizes.list();
    sizes.matrix(right, columns);
    sizes.info();
    full = sizes.attribute();
  }

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
    list<PartOf<T>>(buffers, 2, i, k) = values;
    vh = v.adjoint();
    for (int64_t c = 0; c < left; ++c)
      turn(us, c, vh, c < k);
    for (int64_t r = k; r < right; ++r)
      turn(vh.transpose(), r);
  }
  // Whether the iteration ended. QR steps take a third of the time of dividing and conquering up to some hundred
  // columns.
  bool decompose(const Given<T> &x) {
    if constexpr (!IsComplex<T>::value) {
      constexpr int64_t kFew = 128;
      if (k <= kFew && (m >= n ? byQrSteps(x, u, v) : byQrSteps(x.transpose(), v, u)))
        return true;
    }
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
    made<T>(buffers, 1, i, m, left).setConstant(notANumber<T>());
    list<PartOf<T>>(buffers, 2, i, k).setConstant(notANumber<PartOf<T>>());
    made<T>(buffers, 3, i, right, n).setConstant(notANumber<T>());
    list<int32_t>(buffers, 4, i, 1)[0] = info;
  }
};

// scalars: x [n, n]; the values [n]; the vectors [n, n]; info.
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
    if constexpr (IsComplex<T>::value)
      x.diagonal() = x.diagonal().real().eval().template cast<T>();
    solver.compute(x);
    if (solver.info() != Eigen::Success)
      return fail(buffers, i);
    list<PartOf<T>>(buffers, 1, i, n) = solver.eigenvalues();
    auto vectors = made<T>(buffers, 2, i, n, n);
    vectors = solver.eigenvectors();
    for (int64_t c = 0; c < n; ++c)
      turn(vectors, c);
  }
  void fail(void *const *buffers, int64_t i, Info info = kNotConverged) const {
    list<PartOf<T>>(buffers, 1, i, n).setConstant(notANumber<PartOf<T>>());
    made<T>(buffers, 2, i, n, n).setConstant(notANumber<T>());
    list<int32_t>(buffers, 3, i, 1)[0] = info;
  }
};

// scalars: x [n, n], real or complex; the values [n]; the vectors [n, n]; info.
template <class T> struct Eig {
  using Number = std::complex<PartOf<T>>;
  int64_t n;
  std::conditional_t<IsComplex<T>::value, Eigen::ComplexEigenSolver<Matrix<T>>, Eigen::EigenSolver<Matrix<T>>> solver;
  explicit Eig(const int64_t *scalars) : n(scalars[1]) {}

  void run(void *const *buffers, int64_t i) {
    Matrix<T> x = given<T>(buffers, 0, i, n, n);
    list<int32_t>(buffers, 3, i, 1)[0] = kDone;
    if (!n)
      return;
    if (!x.allFinite())
      return fail(buffers, i, kNotFinite);
    solver.compute(x);
    if (solver.info() != Eigen::Success)
      return fail(buffers, i);
    list<Number>(buffers, 1, i, n) = solver.eigenvalues();
    auto vectors = made<Number>(buffers, 2, i, n, n);
    vectors = solver.eigenvectors();
    for (int64_t c = 0; c < n; ++c) {
      vectors.col(c).normalize();
      turn(vectors, c);
    }
  }
  void fail(void *const *buffers, int64_t i, Info info = kNotConverged) const {
    list<Number>(buffers, 1, i, n).setConstant(notANumber<Number>());
    made<Number>(buffers, 2, i, n, n).setConstant(notANumber<Number>());
    list<int32_t>(buffers, 3, i, 1)[0] = info;
  }
};

// scalars: x [m, n]; Q [m, k]; R [k, n]; complete.
template <class T> struct Qr {
  int64_t m, n, k;
  Eigen::HouseholderQR<Matrix<T>> qr;
  explicit Qr(const int64_t *scalars) {
    Sizes<T> sizes(scalars);
    int64_t rows;
    sizes.matrix(m, n);
    sizes.matrix(rows, k);
  }

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
    made<T>(buffers, 1, i, m, k).setConstant(notANumber<T>());
    made<T>(buffers, 2, i, k, n).setConstant(notANumber<T>());
  }
};

#define WEFT_OF_HEAP(name, Work, runs)                                                                                 \
  int64_t weft_extern_##name##_workspace(const int64_t *) { return 0; }                                                \
  void weft_extern_##name(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {          \
    runs<Work>(buffers, scalars, begin, end);                                                                          \
  }

} // namespace weft
