// Decompositions into orthogonal vectors, by Eigen, on copies: where a matrix lies decides in which order Eigen adds.
#include "runtime/extern/Extern.h"

#define EIGEN_NO_DEBUG
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <limits>
#include <new>

namespace {

template <class T> using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T> using Given = Eigen::Map<const Rows<T>>;
template <class T> using Made = Eigen::Map<Rows<T>>;
template <class T> using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T> using List = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>>;

// The blocks of Eigen's products are the same on every machine (Factorise.cpp).
void fixBlocks() {
  static const bool fixed = (Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 4 * 1024 * 1024), true);
  (void)fixed;
}

template <class Vector> bool isTurned(const Vector &vector) {
  Eigen::Index at = 0;
  if (!vector.size())
    return false;
  vector.cwiseAbs().maxCoeff(&at);
  return vector(at) < 0;
}

template <class T> struct Svd {
  int64_t m, n, k;
  const int64_t *scalars;
  explicit Svd(const int64_t *scalars) : m(scalars[1]), n(scalars[2]), k(scalars[7]), scalars(scalars) {}

  void run(void *const *buffers, int64_t i) const {
    int64_t left = scalars[5], right = scalars[9];
    Given<T> x(static_cast<const T *>(buffers[0]) + i * m * n, m, n);
    Made<T> u(static_cast<T *>(buffers[1]) + i * m * left, m, left);
    List<T> s(static_cast<T *>(buffers[2]) + i * k, k);
    Made<T> vh(static_cast<T *>(buffers[3]) + i * right * n, right, n);
    bool full = scalars[11] != 0;
    if (!k) {
      u.setIdentity();
      vh.setIdentity();
      return;
    }
    if (!x.allFinite())
      return fail(u, s, vh);
    Eigen::BDCSVD<Matrix<T>> svd(x, full ? Eigen::ComputeFullU | Eigen::ComputeFullV
                                         : Eigen::ComputeThinU | Eigen::ComputeThinV);
    if (svd.info() != Eigen::Success)
      return fail(u, s, vh);
    u = svd.matrixU();
    s = svd.singularValues();
    vh = svd.matrixV().transpose();
    for (int64_t c = 0; c < left; ++c)
      if (isTurned(u.col(c))) {
        u.col(c) = -u.col(c);
        if (c < k)
          vh.row(c) = -vh.row(c);
      }
    for (int64_t r = k; r < right; ++r)
      if (isTurned(vh.row(r)))
        vh.row(r) = -vh.row(r);
  }
  void fail(void *const *buffers, int64_t i) const {
    int64_t left = scalars[5], right = scalars[9];
    fail(Made<T>(static_cast<T *>(buffers[1]) + i * m * left, m, left),
         List<T>(static_cast<T *>(buffers[2]) + i * k, k),
         Made<T>(static_cast<T *>(buffers[3]) + i * right * n, right, n));
  }
  static void fail(Made<T> u, List<T> s, Made<T> vh) {
    u.setConstant(std::numeric_limits<T>::quiet_NaN());
    s.setConstant(std::numeric_limits<T>::quiet_NaN());
    vh.setConstant(std::numeric_limits<T>::quiet_NaN());
  }
};

template <class T> struct Eigh {
  int64_t n;
  explicit Eigh(const int64_t *scalars) : n(scalars[1]) {}

  void run(void *const *buffers, int64_t i) const {
    Matrix<T> x =
        Given<T>(static_cast<const T *>(buffers[0]) + i * n * n, n, n).template triangularView<Eigen::Lower>();
    if (!n)
      return;
    if (!x.allFinite())
      return fail(buffers, i);
    Eigen::SelfAdjointEigenSolver<Matrix<T>> solver(x);
    if (solver.info() != Eigen::Success)
      return fail(buffers, i);
    List<T>(static_cast<T *>(buffers[1]) + i * n, n) = solver.eigenvalues();
    Made<T> vectors(static_cast<T *>(buffers[2]) + i * n * n, n, n);
    vectors = solver.eigenvectors();
    for (int64_t c = 0; c < n; ++c)
      if (isTurned(vectors.col(c)))
        vectors.col(c) = -vectors.col(c);
  }
  void fail(void *const *buffers, int64_t i) const {
    List<T>(static_cast<T *>(buffers[1]) + i * n, n).setConstant(std::numeric_limits<T>::quiet_NaN());
    Made<T>(static_cast<T *>(buffers[2]) + i * n * n, n, n).setConstant(std::numeric_limits<T>::quiet_NaN());
  }
};

template <class T> struct Qr {
  int64_t m, n, k;
  explicit Qr(const int64_t *scalars) : m(scalars[1]), n(scalars[2]), k(scalars[5]) {}

  void run(void *const *buffers, int64_t i) const {
    Made<T> q(static_cast<T *>(buffers[1]) + i * m * k, m, k), r(static_cast<T *>(buffers[2]) + i * k * n, k, n);
    if (!m || !n) {
      q.setIdentity();
      return;
    }
    Eigen::HouseholderQR<Matrix<T>> qr(Given<T>(static_cast<const T *>(buffers[0]) + i * m * n, m, n));
    Matrix<T> made = Matrix<T>::Identity(m, k);
    made.applyOnTheLeft(qr.householderQ());
    q = made;
    r = qr.matrixQR().topRows(k).template triangularView<Eigen::Upper>();
  }
  void fail(void *const *buffers, int64_t i) const {
    Made<T>(static_cast<T *>(buffers[1]) + i * m * k, m, k).setConstant(std::numeric_limits<T>::quiet_NaN());
    Made<T>(static_cast<T *>(buffers[2]) + i * k * n, k, n).setConstant(std::numeric_limits<T>::quiet_NaN());
  }
};

template <template <class> class Decomposition, class T>
void runOf(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end) {
  Decomposition<T> decomposition(scalars);
  for (int64_t i = begin; i < end; ++i) {
    try {
      decomposition.run(buffers, i);
    } catch (const std::bad_alloc &) {
      decomposition.fail(buffers, i);
    }
  }
}

template <template <class> class Decomposition>
void run(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end) {
  fixBlocks();
  if (scalars[0] == WEFT_FLOAT64)
    runOf<Decomposition, double>(buffers, scalars, begin, end);
  else
    runOf<Decomposition, float>(buffers, scalars, begin, end);
}

} // namespace

// scalars: dtype, m, n of x; of U; dtype, k of S; dtype and sizes of Vh; full_matrices.
int64_t weft_extern_svd_workspace(const int64_t *) { return 0; }
void weft_extern_svd(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {
  run<Svd>(buffers, scalars, begin, end);
}

// scalars: dtype, n, n of x; dtype, n of the values; of the vectors.
int64_t weft_extern_eigh_workspace(const int64_t *) { return 0; }
void weft_extern_eigh(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {
  run<Eigh>(buffers, scalars, begin, end);
}

// scalars: dtype, m, n of x; of Q; of R; complete.
int64_t weft_extern_qr_workspace(const int64_t *) { return 0; }
void weft_extern_qr(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {
  run<Qr>(buffers, scalars, begin, end);
}
