// The transforms, compiled once for each set of vector instructions (EngineAvx512.cpp and its like, each in a namespace
// of its own), to the same bits: nothing is contracted. Nothing here calls inline functions of the standard library, of
// which a program keeps one copy for all processors. Included by those files alone.
#pragma once
#include "runtime/extern/fft/Engines.h"
#include "runtime/extern/fft/Passes.h"

namespace weft::fft {
namespace {

// Of so many rows at most it takes less time to do each by itself.
template <class T> inline constexpr int64_t kAlone = kLanes<T> / 4 - 1;

template <class V> inline Complex<V> *buffer(char *work, int64_t number, int64_t length) {
  return reinterpret_cast<Complex<V> *>(work) + number * length;
}

// The response of the plan's convolution, by a transform of scalars.
template <class T> void prepare(const Plan<T> &plan, char *work) {
  if (!plan.chirp)
    return;
  const int64_t length = plan.passes.n;
  Complex<T> *a = buffer<T>(work, 0, length), *b = buffer<T>(work, 1, length);
  const T scale = T(1) / T(length);
  for (int64_t k = 0; k < length; ++k)
    a[k] = {};
  for (int64_t k = 0; k < plan.n; ++k)
    a[k] = a[k ? length - k : 0] = scaled(conjugate(plan.chirp[k]), scale);
  runPasses<T>(plan.passes, Memory<T>{a}, Memory<T>{plan.response}, b, a);
}

// Takes kBuffers of the passes' length.
template <class V, class T, class Source, class Sink>
void transform(const Plan<T> &plan, const Source &source, const Sink &sink, char *work) {
  const int64_t length = plan.passes.n;
  Complex<V> *a = buffer<V>(work, 0, length), *b = buffer<V>(work, 1, length);
  if (!plan.chirp)
    return runPasses<V>(plan.passes, source, sink, a, b);
  Complex<V> *c = buffer<V>(work, 2, length);
  move<V, T>(plan.n, source, Memory<V>{a}, [&](int64_t k, const Complex<V> &x) { return times(x, plan.chirp[k]); });
  for (int64_t k = plan.n; k < length; ++k)
    a[k] = {};
  runPasses<V>(plan.passes, Memory<V>{a}, Memory<V>{c}, b, a);
  // Backwards, with real and imaginary parts changing places.
  for (int64_t k = 0; k < length; ++k)
    c[k] = swapped(times(c[k], plan.response[k]));
  runPasses<V>(plan.passes, Memory<V>{c}, Memory<V>{c}, b, a);
  move<V, T>(plan.n, Memory<V>{c}, sink,
             [&](int64_t k, const Complex<V> &x) { return times(swapped(x), plan.chirp[k]); });
}

// A real transform of length 2 h is a complex one of length h, whose elements are the even ones and the odd ones.
// `spectrum`: h + 1.
template <class V, class T, class Source, class Sink>
void fromReal(const Plan<T> &plan, const Source &source, const Sink &sink, Complex<V> *spectrum, char *work) {
  const int64_t h = plan.n;
  transform<V>(plan, source, Memory<V>{spectrum}, work);
  spectrum[h] = spectrum[0];
  move<V, T>(h + 1, Memory<V>{spectrum}, sink, [&](int64_t k, const Complex<V> &x) {
    Complex<V> y = conjugate(spectrum[h - k]);
    return scaled(x + y + times(turned(x - y), plan.halves[k]), T(0.5));
  });
}
// Backwards, by a source and a sink that have real and imaginary parts change places.
template <class V, class T, class Source, class Sink>
void toReal(const Plan<T> &plan, const Source &source, const Sink &sink, Complex<V> *spectrum, char *work) {
  const int64_t h = plan.n;
  move<V, T>(h + 1, source, Memory<V>{spectrum}, [](int64_t, const Complex<V> &x) { return swapped(x); });
  // What a real signal's spectrum has not is left out.
  spectrum[0].im = spectrum[h].im = V{};
  auto packed = [&](int64_t k, const Complex<V> &x, const Complex<V> &mirrored) {
    Complex<V> y = conjugate(mirrored);
    Complex<V> odd = times(x - y, conjugate(plan.halves[k]));
    return swapped(x + y + Complex<V>{-odd.im, odd.re});
  };
  for (int64_t k = 0; 2 * k <= h; ++k) {
    Complex<V> x = spectrum[k], y = spectrum[h - k];
    spectrum[k] = packed(k, x, y);
    spectrum[h - k] = packed(h - k, y, x);
  }
  transform<V>(plan, Memory<V>{spectrum}, sink, work);
}

template <class T> void complexRows(const Job<T> &job, int64_t begin, int64_t end) {
  const int64_t n = job.plan.n;
  while (begin < end) {
    const int64_t rows = end - begin < kLanes<T> ? end - begin : kLanes<T>;
    const T *from = job.x + 2 * begin * n;
    T *to = job.y + 2 * begin * n;
    if (rows > kAlone<T>) {
      RowsView<T> view{from, to, n, n, rows, job.inverse, job.scale};
      transform<Lanes<T>>(job.plan, view, view, job.work);
      begin += rows;
    } else {
      RowView<T> view{from, to, job.inverse, job.scale};
      transform<T>(job.plan, view, view, job.work);
      ++begin;
    }
  }
}

template <class T> void complexColumns(const Job<T> &job, int64_t columns, int64_t begin, int64_t end) {
  for (; begin < end; begin += kLanes<T>) {
    const int64_t lanes = end - begin < kLanes<T> ? end - begin : kLanes<T>;
    ColumnsView<T> view{job.x + 2 * begin, job.y + 2 * begin, columns, lanes, job.inverse, job.scale};
    transform<Lanes<T>>(job.plan, view, view, job.work);
  }
}

template <class T, bool isForward> void realRows(const Job<T> &job, int64_t begin, int64_t end) {
  const int64_t h = job.plan.n, whole = isForward ? h : h + 1, made = isForward ? h + 1 : h;
  auto run = [&](auto zero, const auto &view) {
    using V = decltype(zero);
    Complex<V> *spectrum = buffer<V>(job.work, kBuffers, job.plan.passes.n);
    if constexpr (isForward)
      fromReal<V>(job.plan, view, view, spectrum, job.work);
    else
      toReal<V>(job.plan, view, view, spectrum, job.work);
  };
  while (begin < end) {
    const int64_t rows = end - begin < kLanes<T> ? end - begin : kLanes<T>;
    const T *from = job.x + 2 * begin * whole;
    T *to = job.y + 2 * begin * made;
    if (rows > kAlone<T>) {
      run(Lanes<T>{}, RowsView<T>{from, to, whole, made, rows, !isForward, job.scale});
      begin += rows;
    } else {
      run(T(), RowView<T>{from, to, !isForward, job.scale});
      ++begin;
    }
  }
}

// A bundle of columns of the first step: after their transform each element is turned by a root of the whole length,
// and written to the tiles that the second step reads from one end to the other.
template <class T> struct TilesView {
  static constexpr bool kInOrder = false;
  T *to;           // this bundle's tile of the first rows
  int64_t between; // from a tile to that of the next rows, in numbers
  const T *coarse, *fine;

  void store(int64_t at, int64_t count, const Complex<Lanes<T>> *in) const {
    constexpr int64_t kWide = kLanes<T>;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t row = at + i;
      Complex<Lanes<T>> high, low;
      std::memcpy(&high, coarse + 2 * kWide * (row / kFineRoots), sizeof high);
      std::memcpy(&low, fine + 2 * kWide * (row % kFineRoots), sizeof low);
      Lanes<T> pairs[2];
      paired(withOneNan(times(in[i], times(high, low))), pairs[0], pairs[1]);
      std::memcpy(to + between * (row / kWide) + 2 * kWide * (row % kWide), pairs, 128);
    }
  }
};
template <class T> void firstStep(const Job<T> &job, int64_t rows, int64_t columns, int64_t begin, int64_t end) {
  constexpr int64_t kWide = kLanes<T>, kTile = 2 * kWide * kWide;
  T *fine = reinterpret_cast<T *>(job.tables), *coarse = fine + 2 * kWide * kFineRoots;
  const int64_t bundles = (columns + kWide - 1) / kWide;
  for (int64_t bundle = begin; bundle < end; ++bundle) {
    const int64_t column = bundle * kWide, lanes = columns - column < kWide ? columns - column : kWide;
    fillPowers(rows * columns, 1, column, kWide, kFineRoots, fine);
    fillPowers(rows * columns, kFineRoots, column, kWide, (rows + kFineRoots - 1) / kFineRoots, coarse);
    ColumnsView<T> source{job.x + 2 * column, nullptr, columns, lanes, job.inverse, T(1)};
    TilesView<T> sink{job.y + bundle * kTile, bundles * kTile, coarse, fine};
    transform<Lanes<T>>(job.plan, source, sink, job.work);
    for (int64_t row = rows; row % kWide != 0; ++row) // what the last tile has beyond the rows
      std::memset(sink.to + sink.between * (row / kWide) + 2 * kWide * (row % kWide), 0, 128);
  }
}

template <class T> void secondStep(const Job<T> &job, int64_t rows, int64_t columns, int64_t begin, int64_t end) {
  constexpr int64_t kWide = kLanes<T>, kTile = 2 * kWide * kWide;
  const int64_t bundles = (columns + kWide - 1) / kWide;
  for (int64_t group = begin; group < end; ++group) {
    const int64_t row = group * kWide, lanes = rows - row < kWide ? rows - row : kWide;
    Complex<Lanes<T>> *work = buffer<Lanes<T>>(job.work, kBuffers, job.plan.passes.n);
    for (int64_t bundle = 0; bundle < bundles; ++bundle) {
      const int64_t column = bundle * kWide, count = columns - column < kWide ? columns - column : kWide;
      RowsView<T> tile{job.x + (group * bundles + bundle) * kTile, nullptr, kWide, 0, lanes, false, T(1)};
      read<Lanes<T>, T>(count, tile, work + column);
    }
    ColumnsView<T> sink{nullptr, job.y + 2 * row, rows, lanes, job.inverse, job.scale};
    transform<Lanes<T>>(job.plan, Memory<Lanes<T>>{work}, sink, job.work);
  }
}

template <class T> constexpr Engine<T> engine() {
  return {prepare<T>,         complexRows<T>, complexColumns<T>, realRows<T, true>,
          realRows<T, false>, firstStep<T>,   secondStep<T>};
}

} // namespace
} // namespace weft::fft
