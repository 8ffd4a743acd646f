// Rows side by side: lane r of a vector belongs to row r, so that every row goes through the same operations whatever
// its lane, and a scalar goes through those, too. Included by Engine.h alone.
#pragma once
#include "runtime/extern/fft/Engines.h"

#include <cstdint>
#include <cstring>

namespace weft::fft {
namespace {

template <class T> struct LanesOf;
template <> struct LanesOf<float> {
  using Vector = float __attribute__((vector_size(64)));
};
template <> struct LanesOf<double> {
  using Vector = double __attribute__((vector_size(64)));
};
template <class T> using Lanes = typename LanesOf<T>::Vector;
template <class V> struct Number {
  using Type = V;
};
template <> struct Number<Lanes<float>> {
  using Type = float;
};
template <> struct Number<Lanes<double>> {
  using Type = double;
};
template <class V> using NumberOf = typename Number<V>::Type;
using Words = double __attribute__((vector_size(64)));

// Elements that lie side by side in memory and are read or written together: as many as a vector of pairs holds. There
// are twice as many lanes.
template <class T> inline constexpr int kBlock = 32 / int(sizeof(T));

template <class V> inline Complex<V> operator+(const Complex<V> &a, const Complex<V> &b) {
  return {a.re + b.re, a.im + b.im};
}
template <class V> inline Complex<V> operator-(const Complex<V> &a, const Complex<V> &b) {
  return {a.re - b.re, a.im - b.im};
}
template <class V, class T> inline Complex<V> times(const Complex<V> &a, const Complex<T> &w) {
  return {a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}
template <class V, class T> inline Complex<V> scaled(const Complex<V> &a, T by) { return {a.re * by, a.im * by}; }
template <class V> inline Complex<V> swapped(const Complex<V> &a) { return {a.im, a.re}; }
template <class V> inline Complex<V> conjugate(const Complex<V> &a) { return {a.re, -a.im}; }
// a times -i
template <class V> inline Complex<V> turned(const Complex<V> &a) { return {a.im, -a.re}; }

// Which NaN comes of two, and what sign it has, depends on the order in which the compiler put operands: there is one.
template <class V> inline V withOneNan(const V &x) { return x == x ? x : V{} + NumberOf<V>(__builtin_nan("")); }
template <class V> inline Complex<V> withOneNan(const Complex<V> &a) { return {withOneNan(a.re), withOneNan(a.im)}; }
// What a sink writes.
template <class V, class T> inline Complex<V> finished(const Complex<V> &a, bool inverse, T scale) {
  return withOneNan(scaled(inverse ? swapped(a) : a, scale));
}

// Pairs (re, im) of two vectors to and from their parts.
inline Complex<Lanes<float>> parted(const Lanes<float> &a, const Lanes<float> &b) {
  return {__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
          __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)};
}
inline Complex<Lanes<double>> parted(const Lanes<double> &a, const Lanes<double> &b) {
  return {__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14),
          __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)};
}
inline void paired(const Complex<Lanes<float>> &x, Lanes<float> &a, Lanes<float> &b) {
  a = __builtin_shufflevector(x.re, x.im, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  b = __builtin_shufflevector(x.re, x.im, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
inline void paired(const Complex<Lanes<double>> &x, Lanes<double> &a, Lanes<double> &b) {
  a = __builtin_shufflevector(x.re, x.im, 0, 8, 1, 9, 2, 10, 3, 11);
  b = __builtin_shufflevector(x.re, x.im, 4, 12, 5, 13, 6, 14, 7, 15);
}

// A square of pairs, kBlock rows of kBlock, across its diagonal.
inline void transpose(Lanes<float> *rows) {
  Words a[8], b[8];
  std::memcpy(a, rows, sizeof a);
  for (int i = 0; i < 8; i += 2) {
    b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = i; j < i + 2; ++j) {
      a[j] = __builtin_shufflevector(b[j], b[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      a[j + 2] = __builtin_shufflevector(b[j], b[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; ++i) {
    b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    b[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  std::memcpy(rows, b, sizeof b);
}
inline void transpose(Lanes<double> *rows) {
  Words a[4];
  for (int i = 0; i < 4; i += 2) {
    a[i] = __builtin_shufflevector(rows[i], rows[i + 1], 0, 1, 8, 9, 4, 5, 12, 13);
    a[i + 1] = __builtin_shufflevector(rows[i], rows[i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < 2; ++i) {
    rows[i] = __builtin_shufflevector(a[i], a[i + 2], 0, 1, 2, 3, 8, 9, 10, 11);
    rows[i + 2] = __builtin_shufflevector(a[i], a[i + 2], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// Asks for memory that is read some time later; the address may be anything.
inline void prefetch(const void *base, int64_t bytes) {
  __builtin_prefetch(reinterpret_cast<const void *>(reinterpret_cast<uintptr_t>(base) + uintptr_t(bytes)), 0, 2);
}

// A matrix of pairs of which the lanes are rows, the last of them `rows` - 1: lanes past it read that row again and
// write nothing.
template <class T> struct RowsView {
  static constexpr bool kInOrder = true;
  const T *from;
  T *to;
  int64_t fromStride, toStride; // in pairs
  int64_t rows;
  bool inverse; // real and imaginary parts change places
  T scale;      // of what is stored

  void load(int64_t at, int64_t count, Complex<Lanes<T>> *out) const {
    constexpr int kB = kBlock<T>;
    auto row = [&](int64_t lane) { return from + 2 * ((lane < rows ? lane : rows - 1) * fromStride + at); };
    if (count == kB) {
      Lanes<T> a[kB], b[kB];
      for (int i = 0; i < kB; ++i) {
        std::memcpy(&a[i], row(i), 64);
        std::memcpy(&b[i], row(i + kB), 64);
      }
      transpose(a);
      transpose(b);
      for (int i = 0; i < kB; ++i)
        out[i] = parted(a[i], b[i]);
    } else
      for (int64_t i = 0; i < count; ++i)
        for (int64_t lane = 0; lane < 2 * kB; ++lane) {
          const T *pair = row(lane) + 2 * i;
          out[i].re[lane] = pair[0];
          out[i].im[lane] = pair[1];
        }
    if (inverse)
      for (int64_t i = 0; i < count; ++i)
        out[i] = swapped(out[i]);
  }
  void store(int64_t at, int64_t count, const Complex<Lanes<T>> *in) const {
    constexpr int kB = kBlock<T>;
    auto row = [&](int64_t lane) { return to + 2 * (lane * toStride + at); };
    if (count == kB) {
      Lanes<T> a[kB], b[kB];
      for (int i = 0; i < kB; ++i)
        paired(finished(in[i], inverse, scale), a[i], b[i]);
      transpose(a);
      transpose(b);
      for (int i = 0; i < kB && i < rows; ++i)
        std::memcpy(row(i), &a[i], 64);
      for (int i = 0; i < kB && i + kB < rows; ++i)
        std::memcpy(row(i + kB), &b[i], 64);
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      Complex<Lanes<T>> x = finished(in[i], inverse, scale);
      for (int64_t lane = 0; lane < 2 * kB && lane < rows; ++lane) {
        T *pair = row(lane) + 2 * i;
        pair[0] = x.re[lane];
        pair[1] = x.im[lane];
      }
    }
  }
};

// A matrix of pairs of which the lanes are columns: `columns` of them, side by side.
template <class T> struct ColumnsView {
  static constexpr bool kInOrder = false;
  const T *from;
  T *to;
  int64_t stride; // in pairs
  int64_t columns;
  bool inverse;
  T scale;

  void load(int64_t at, int64_t count, Complex<Lanes<T>> *out) const {
    const T *row = from + 2 * at * stride;
    for (int64_t i = 0; i < count; ++i, row += 2 * stride) {
      Lanes<T> a{}, b{};
      if (columns == kLanes<T>) {
        // Rows lie too far apart for the processor to foresee the next.
        prefetch(row, kBlock<T> * stride * 2 * int64_t(sizeof(T)));
        prefetch(row, kBlock<T> * stride * 2 * int64_t(sizeof(T)) + 64);
        std::memcpy(&a, row, 64);
        std::memcpy(&b, row + kLanes<T>, 64);
      } else {
        T pairs[2 * kLanes<T>] = {};
        std::memcpy(pairs, row, size_t(columns) * 2 * sizeof(T));
        std::memcpy(&a, pairs, 64);
        std::memcpy(&b, pairs + kLanes<T>, 64);
      }
      Complex<Lanes<T>> x = parted(a, b);
      out[i] = inverse ? swapped(x) : x;
    }
  }
  void store(int64_t at, int64_t count, const Complex<Lanes<T>> *in) const {
    T *row = to + 2 * at * stride;
    for (int64_t i = 0; i < count; ++i, row += 2 * stride) {
      Lanes<T> pairs[2];
      paired(finished(in[i], inverse, scale), pairs[0], pairs[1]);
      if (columns == kLanes<T>)
        std::memcpy(row, pairs, 128);
      else
        std::memcpy(row, pairs, size_t(columns) * 2 * sizeof(T));
    }
  }
};

// One row, as scalars.
template <class T> struct RowView {
  static constexpr bool kInOrder = true;
  const T *from;
  T *to;
  bool inverse;
  T scale;

  void load(int64_t at, int64_t count, Complex<T> *out) const {
    std::memcpy(out, from + 2 * at, size_t(count) * sizeof(Complex<T>));
    if (inverse)
      for (int64_t i = 0; i < count; ++i)
        out[i] = swapped(out[i]);
  }
  void store(int64_t at, int64_t count, const Complex<T> *in) const {
    auto *out = reinterpret_cast<Complex<T> *>(to) + at;
    for (int64_t i = 0; i < count; ++i)
      out[i] = finished(in[i], inverse, scale);
  }
};

} // namespace
} // namespace weft::fft
