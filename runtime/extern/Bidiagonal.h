// The singular values of a bidiagonal matrix, and its vectors, by implicit QR steps with a shift: Golub and Reinsch,
// "Singular value decomposition and least squares solutions", 1970, with the deflations of LINPACK's svdc.
#pragma once
#include "runtime/extern/Eigen.h"

#include <cmath>
#include <limits>

namespace weft {

// Diagonal s[0 ... n), above it e[0 ... n - 1). Columns of u and v are turned as those of the matrix on the left and on
// the right are; in the end s falls and is not negative.
template <class T> class Bidiagonal {
public:
  Bidiagonal(T *s, T *e, int64_t n, Matrix<T> &u, Matrix<T> &v) : s(s), e(e), n(n), u(u), v(v) {}

  // Whether it converged.
  bool run() {
    constexpr int kSteps = 60; // for a value; two or three are usual
    int64_t end = n;           // s from here on is done
    for (int steps = 0; end > 0;) {
      int64_t first = firstOfBlock(end);
      if (first == end - 1) {
        finish(first);
        --end, steps = 0;
        continue;
      }
      int64_t zero = zeroOnDiagonal(first, end);
      if (zero == end - 1)
        removeLast(first, end);
      else if (zero >= 0)
        removeRow(zero, end);
      else if (++steps > kSteps)
        return false;
      else
        step(first, end);
    }
    return true;
  }

private:
  T *s, *e;
  int64_t n;
  Matrix<T> &u, &v;
  static constexpr T kEpsilon = std::numeric_limits<T>::epsilon(), kTiny = std::numeric_limits<T>::min() / kEpsilon;

  struct Rotation {
    T cosine = 1, sine = 0, length;
    Rotation(T f, T g) : length(f) {
      if (g == 0)
        return;
      const bool isFlat = std::abs(f) > std::abs(g);
      const T ratio = isFlat ? g / f : f / g, root = std::sqrt(1 + ratio * ratio);
      (isFlat ? cosine : sine) = 1 / root;
      (isFlat ? sine : cosine) = ratio / root;
      length = (isFlat ? f : g) * root;
    }
    void turn(Matrix<T> &x, int64_t one, int64_t other) const {
      T *a = x.data() + one * x.rows(), *b = x.data() + other * x.rows();
      const int64_t rows = x.rows();
      const T c = cosine, d = sine;
      for (int64_t i = 0; i < rows; ++i) {
        const T p = a[i], q = b[i];
        a[i] = c * p + d * q;
        b[i] = c * q - d * p;
      }
    }
  };

  // The first row of the block without a zero above the diagonal that ends before `end`.
  int64_t firstOfBlock(int64_t end) {
    for (int64_t k = end - 2; k >= 0; --k)
      if (std::abs(e[k]) <= kTiny + kEpsilon * (std::abs(s[k]) + std::abs(s[k + 1]))) {
        e[k] = 0;
        return k + 1;
      }
    return 0;
  }

  int64_t zeroOnDiagonal(int64_t first, int64_t end) {
    for (int64_t k = end - 1; k >= first; --k) {
      const T beside = (k < end - 1 ? std::abs(e[k]) : T(0)) + (k > first ? std::abs(e[k - 1]) : T(0));
      if (std::abs(s[k]) <= kTiny + kEpsilon * beside) {
        s[k] = 0;
        return k;
      }
    }
    return -1;
  }

  // s[end - 1] is zero: the element above it goes.
  void removeLast(int64_t first, int64_t end) {
    T f = e[end - 2];
    e[end - 2] = 0;
    for (int64_t j = end - 2; j >= first; --j) {
      const Rotation rotation(s[j], f);
      s[j] = rotation.length;
      if (j > first) {
        f = -rotation.sine * e[j - 1];
        e[j - 1] *= rotation.cosine;
      }
      rotation.turn(v, j, end - 1);
    }
  }

  // s[zero] is zero, and not the last: the element beside it goes.
  void removeRow(int64_t zero, int64_t end) {
    T f = e[zero];
    e[zero] = 0;
    for (int64_t j = zero + 1; j < end; ++j) {
      const Rotation rotation(s[j], f);
      s[j] = rotation.length;
      if (j + 1 < end) {
        f = -rotation.sine * e[j];
        e[j] *= rotation.cosine;
      }
      rotation.turn(u, j, zero);
    }
  }

  void step(int64_t first, int64_t end) {
    const T last = s[end - 1], before = s[end - 2], above = e[end - 2];
    const T scale =
        std::max({std::abs(last), std::abs(before), std::abs(above), std::abs(s[first]), std::abs(e[first])});
    const T sl = last / scale, sb = before / scale, ea = above / scale, sf = s[first] / scale, ef = e[first] / scale;
    const T b = ((sb + sl) * (sb - sl) + ea * ea) / 2, c = (sl * ea) * (sl * ea);
    T shift = 0;
    if (b != 0 || c != 0) {
      shift = std::sqrt(b * b + c);
      shift = c / (b + (b < 0 ? -shift : shift));
    }
    T f = (sf + sl) * (sf - sl) + shift, g = sf * ef;
    for (int64_t j = first; j < end - 1; ++j) {
      const Rotation right(f, g);
      if (j > first)
        e[j - 1] = right.length;
      f = right.cosine * s[j] + right.sine * e[j];
      e[j] = right.cosine * e[j] - right.sine * s[j];
      g = right.sine * s[j + 1];
      s[j + 1] *= right.cosine;
      right.turn(v, j, j + 1);
      const Rotation left(f, g);
      s[j] = left.length;
      f = left.cosine * e[j] + left.sine * s[j + 1];
      s[j + 1] = left.cosine * s[j + 1] - left.sine * e[j];
      if (j + 1 < end - 1) {
        g = left.sine * e[j + 1];
        e[j + 1] *= left.cosine;
      }
      left.turn(u, j, j + 1);
    }
    e[end - 2] = f;
  }

  // s[k] is a value: those behind it are, too, and fall.
  void finish(int64_t k) {
    if (s[k] < 0) {
      s[k] = -s[k];
      v.col(k) = -v.col(k);
    }
    for (; k + 1 < n && s[k] < s[k + 1]; ++k) {
      std::swap(s[k], s[k + 1]);
      u.col(k).swap(u.col(k + 1));
      v.col(k).swap(v.col(k + 1));
    }
  }
};

} // namespace weft
