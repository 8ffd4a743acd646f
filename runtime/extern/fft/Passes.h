// The passes of a plan, over lanes or scalars V of numbers T. A pass reads what its source loads and writes what its
// sink stores, blocks of elements side by side at a time; the passes between go from memory to memory. Included by
// Engine.h alone.
#pragma once
#include "runtime/extern/fft/Lanes.h"

namespace weft::fft {
namespace {

template <int R> struct Radix {
  static constexpr int radix = R;
};
template <int R> struct Butterfly; // x: R elements, in place

template <> struct Butterfly<2> {
  template <class V> __attribute__((always_inline)) static void run(Complex<V> *x) {
    Complex<V> a = x[0], b = x[1];
    x[0] = a + b;
    x[1] = a - b;
  }
};
template <> struct Butterfly<3> {
  template <class V> __attribute__((always_inline)) static void run(Complex<V> *x) {
    using T = NumberOf<V>;
    constexpr T half = T(-0.5), sine = T(0.86602540378443864676);
    Complex<V> sum = x[1] + x[2], difference = turned(x[1] - x[2]);
    Complex<V> a = x[0] + scaled(sum, half), b = scaled(difference, sine);
    x[0] = x[0] + sum;
    x[1] = a + b;
    x[2] = a - b;
  }
};
template <> struct Butterfly<4> {
  template <class V> __attribute__((always_inline)) static void run(Complex<V> *x) {
    Complex<V> a = x[0] + x[2], b = x[0] - x[2], c = x[1] + x[3], d = turned(x[1] - x[3]);
    x[0] = a + c;
    x[1] = b + d;
    x[2] = a - c;
    x[3] = b - d;
  }
};
template <> struct Butterfly<5> {
  template <class V> __attribute__((always_inline)) static void run(Complex<V> *x) {
    using T = NumberOf<V>;
    constexpr T cosine1 = T(0.30901699437494742410), cosine2 = T(-0.80901699437494742410);
    constexpr T sine1 = T(0.95105651629515357212), sine2 = T(0.58778525229247312917);
    Complex<V> sum1 = x[1] + x[4], sum2 = x[2] + x[3];
    Complex<V> difference1 = turned(x[1] - x[4]), difference2 = turned(x[2] - x[3]);
    Complex<V> a1 = x[0] + scaled(sum1, cosine1) + scaled(sum2, cosine2);
    Complex<V> a2 = x[0] + scaled(sum1, cosine2) + scaled(sum2, cosine1);
    Complex<V> b1 = scaled(difference1, sine1) + scaled(difference2, sine2);
    Complex<V> b2 = scaled(difference1, sine2) - scaled(difference2, sine1);
    x[0] = x[0] + sum1 + sum2;
    x[1] = a1 + b1;
    x[4] = a1 - b1;
    x[2] = a2 + b2;
    x[3] = a2 - b2;
  }
};
template <> struct Butterfly<8> {
  template <class V> __attribute__((always_inline)) static void run(Complex<V> *x) {
    using T = NumberOf<V>;
    constexpr T root = T(0.70710678118654752440);
    Complex<V> even[4] = {x[0], x[2], x[4], x[6]}, odd[4] = {x[1], x[3], x[5], x[7]};
    Butterfly<4>::run(even);
    Butterfly<4>::run(odd);
    odd[1] = scaled(Complex<V>{odd[1].re + odd[1].im, odd[1].im - odd[1].re}, root);
    odd[2] = turned(odd[2]);
    odd[3] = scaled(Complex<V>{odd[3].im - odd[3].re, -odd[3].re - odd[3].im}, root);
    for (int i = 0; i < 4; ++i) {
      x[i] = even[i] + odd[i];
      x[i + 4] = even[i] - odd[i];
    }
  }
};

// An odd radix: elements j and radix - j come to sums and differences, whose results are conjugate in pairs.
template <class V, class T>
__attribute__((noinline)) void oddButterfly(Complex<V> *x, int radix, const Complex<T> *roots) {
  Complex<V> sums[kLargestRadix / 2 + 1], differences[kLargestRadix / 2 + 1], total = x[0];
  for (int j = 1; j <= radix / 2; ++j) {
    sums[j] = x[j] + x[radix - j];
    differences[j] = turned(x[j] - x[radix - j]);
    total = total + sums[j];
  }
  for (int k = 1; k <= radix / 2; ++k) {
    Complex<V> a = x[0], b = scaled(differences[1], -roots[k].im);
    a = a + scaled(sums[1], roots[k].re);
    for (int j = 2, at = 2 * k % radix; j <= radix / 2; ++j, at = (at + k) % radix) {
      a = a + scaled(sums[j], roots[at].re);
      b = b - scaled(differences[j], roots[at].im);
    }
    x[k] = a + b;
    x[radix - k] = a - b;
  }
  x[0] = total;
}

// Memory as a source and a sink.
template <class V> struct Memory {
  static constexpr bool kInOrder = false;
  Complex<V> *at;
};
template <class V> inline const Complex<V> *loaded(const Memory<V> &memory, int64_t at, int64_t, Complex<V> *) {
  return memory.at + at;
}
template <class Source, class V>
inline const Complex<V> *loaded(const Source &source, int64_t at, int64_t count, Complex<V> *block) {
  source.load(at, count, block);
  return block;
}
template <class V> inline Complex<V> *target(const Memory<V> &memory, int64_t at, Complex<V> *) {
  return memory.at + at;
}
template <class Sink, class V> inline Complex<V> *target(const Sink &, int64_t, Complex<V> *block) { return block; }
template <class V> inline void stored(const Memory<V> &, int64_t, int64_t, const Complex<V> *) {}
template <class Sink, class V>
inline void stored(const Sink &sink, int64_t at, int64_t count, const Complex<V> *block) {
  sink.store(at, count, block);
}

// The radix by `radix`, R being it where it has a function of its own and kLargestRadix for any other.
template <int R, class V, class T> inline void butterfly(Complex<V> *x, int radix, const Complex<T> *roots) {
  if constexpr (R == kLargestRadix)
    oddButterfly(x, radix, roots);
  else
    Butterfly<R>::run(x);
}

// A pass after which others come: results are turned by twiddles. `before` is the product of the radices before it.
template <int R, class V, class T, class Source>
void pass(const Passes<T> &passes, int p, int64_t before, const Source &source, Complex<V> *to) {
  constexpr int kB = kBlock<T>;
  const int radix = R == kLargestRadix ? passes.radices[p] : R;
  const int64_t inner = passes.n / (before * radix);
  for (int64_t k = 0; k < before; ++k)
    for (int64_t i = 0; i < inner; i += kB) {
      const int64_t count = inner - i < kB ? inner - i : kB;
      Complex<V> blocks[R * kB];
      const Complex<V> *from[R];
      for (int j = 0; j < radix; ++j)
        from[j] = loaded(source, i + inner * (j + radix * k), count, blocks + j * kB);
      for (int64_t b = 0; b < count; ++b) {
        Complex<V> x[R];
        for (int j = 0; j < radix; ++j)
          x[j] = from[j][b];
        butterfly<R>(x, radix, passes.roots[p]);
        const Complex<T> *twiddle = passes.twiddles[p] + (i + b) * (radix - 1) - 1;
        Complex<V> *out = to + i + b + inner * k;
        out[0] = x[0];
        for (int j = 1; j < radix; ++j)
          out[inner * before * j] = times(x[j], twiddle[j]);
      }
    }
}

template <int R, class V, class T, class Sink>
void lastPass(const Passes<T> &passes, const Complex<V> *from, const Sink &sink) {
  constexpr int kB = kBlock<T>;
  const int p = passes.count - 1, radix = R == kLargestRadix ? passes.radices[p] : R;
  const int64_t before = passes.n / radix;
  for (int64_t k = 0; k < before; k += kB) {
    const int64_t count = before - k < kB ? before - k : kB;
    Complex<V> blocks[R * kB];
    Complex<V> *to[R];
    for (int j = 0; j < radix; ++j)
      to[j] = target(sink, k + before * j, blocks + j * kB);
    for (int64_t b = 0; b < count; ++b) {
      Complex<V> x[R];
      for (int j = 0; j < radix; ++j)
        x[j] = from[(k + b) * radix + j];
      butterfly<R>(x, radix, passes.roots[p]);
      for (int j = 0; j < radix; ++j)
        to[j][b] = x[j];
    }
    for (int j = 0; j < radix; ++j)
      stored(sink, k + before * j, count, blocks + j * kB);
  }
}

// Two passes, p and the next, in one sweep over memory: for an i of the second and a k of the first, `count` elements
// of the first make butterflies side by side in `near`, and then those of the second are made of them.
template <int R, class V, class T>
void firstOfTwo(const Passes<T> &passes, int p, int64_t between, int64_t count, int64_t i, const Complex<V> *from,
                Complex<V> *near) {
  const int64_t inner = between * count;
  for (int64_t c = 0; c < count; ++c) {
    Complex<V> x[R];
    for (int j = 0; j < R; ++j)
      x[j] = from[between * c + inner * j];
    Butterfly<R>::run(x);
    const Complex<T> *twiddle = passes.twiddles[p] + (i + between * c) * (R - 1) - 1;
    near[c] = x[0];
    for (int j = 1; j < R; ++j)
      near[c + count * j] = times(x[j], twiddle[j]);
  }
}
// Each result lies `stride` elements behind the one before; `step` is between those of neighbouring butterflies.
template <int R, class V, class T>
void secondOfTwo(const Passes<T> &passes, int p, int64_t count, int64_t i, const Complex<V> *near, Complex<V> *to,
                 int64_t step, int64_t stride) {
  const Complex<T> *twiddle = passes.twiddles[p];
  for (int64_t c = 0; c < count; ++c) {
    Complex<V> x[R];
    for (int j = 0; j < R; ++j)
      x[j] = near[c * R + j];
    Butterfly<R>::run(x);
    Complex<V> *out = to + step * c;
    out[0] = x[0];
    for (int j = 1; j < R; ++j)
      out[stride * j] = twiddle ? times(x[j], twiddle[i * (R - 1) + j - 1]) : x[j];
  }
}

template <class F> void byRadix(int radix, const F &f) {
  switch (radix) {
  case 2:
    return f(Radix<2>());
  case 3:
    return f(Radix<3>());
  case 4:
    return f(Radix<4>());
  case 5:
    return f(Radix<5>());
  case 8:
    return f(Radix<8>());
  default:
    return f(Radix<int(kLargestRadix)>());
  }
}

template <class T> bool areTwo(const Passes<T> &passes, int p) {
  return p + 1 < passes.count && passes.radices[p] <= 8 && passes.radices[p + 1] <= 8 && passes.radices[p] != 7 &&
         passes.radices[p + 1] != 7;
}
template <class V, class T>
void twoPasses(const Passes<T> &passes, int p, int64_t before, const Complex<V> *from, Complex<V> *to) {
  const int first = passes.radices[p], second = passes.radices[p + 1];
  const int64_t inner = passes.n / (before * first), between = inner / second;
  for (int64_t k = 0; k < before; ++k)
    for (int64_t i = 0; i < between; ++i) {
      Complex<V> near[64];
      byRadix(first, [&](auto r) {
        if constexpr (r.radix <= 8)
          firstOfTwo<r.radix>(passes, p, between, second, i, from + i + inner * first * k, near);
      });
      byRadix(second, [&](auto r) {
        if constexpr (r.radix <= 8)
          secondOfTwo<r.radix>(passes, p + 1, first, i, near, to + i + between * k, between * before,
                               between * before * first);
      });
    }
}

// Blocks of elements from a source, each of which becomes at(index, element) and goes to a sink.
template <class V, class T, class Source, class Sink, class At>
void move(int64_t count, const Source &source, const Sink &sink, const At &at) {
  constexpr int kB = kBlock<T>;
  for (int64_t i = 0; i < count; i += kB) {
    const int64_t size = count - i < kB ? count - i : kB;
    Complex<V> in[kB], out[kB];
    const Complex<V> *from = loaded(source, i, size, in);
    Complex<V> *to = target(sink, i, out);
    for (int64_t b = 0; b < size; ++b)
      to[b] = at(i + b, from[b]);
    stored(sink, i, size, out);
  }
}

// The same where elements stay as they are: a block is made, or read, where it lies.
template <class V, class T, class Source> void read(int64_t count, const Source &source, Complex<V> *to) {
  constexpr int kB = kBlock<T>;
  for (int64_t i = 0; i < count; i += kB) {
    const int64_t size = count - i < kB ? count - i : kB;
    const Complex<V> *from = loaded(source, i, size, to + i);
    for (int64_t b = 0; from != to + i && b < size; ++b)
      to[i + b] = from[b];
  }
}
template <class V, class T, class Sink> void write(int64_t count, Complex<V> *from, const Sink &sink) {
  constexpr int kB = kBlock<T>;
  for (int64_t i = 0; i < count; i += kB) {
    const int64_t size = count - i < kB ? count - i : kB;
    Complex<V> *to = target(sink, i, from + i);
    for (int64_t b = 0; to != from + i && b < size; ++b)
      to[b] = from[i + b];
    stored(sink, i, size, to);
  }
}

// All passes, from the source to the sink, by way of two buffers of n elements. Rows are best read and written from one
// end to the other, so that they go by a buffer; columns are the first pass's and the last one's own.
template <class V, class T, class Source, class Sink>
void runPasses(const Passes<T> &passes, const Source &source, const Sink &sink, Complex<V> *buffer, Complex<V> *other) {
  const int last = passes.count - 1;
  int64_t before = 1;
  int p = 0;
  if (Source::kInOrder || last < 1)
    read<V, T>(passes.n, source, buffer);
  else {
    if constexpr (!Source::kInOrder)
      byRadix(passes.radices[0], [&](auto r) { pass<r.radix>(passes, 0, before, source, buffer); });
    before = passes.radices[p++];
  }
  auto exchange = [&] {
    Complex<V> *swap = buffer;
    buffer = other;
    other = swap;
  };
  const int end = Sink::kInOrder ? passes.count : last; // of the passes from memory to memory
  while (p < last) {
    const bool two = p + 1 < end && areTwo(passes, p);
    if (two)
      twoPasses(passes, p, before, buffer, other);
    else
      byRadix(passes.radices[p], [&](auto r) { pass<r.radix>(passes, p, before, Memory<V>{buffer}, other); });
    exchange();
    for (const int done = two ? p + 2 : p + 1; p < done; ++p)
      before *= passes.radices[p];
  }
  if (Sink::kInOrder || last < 0) {
    if (p == last) {
      byRadix(passes.radices[last], [&](auto r) { lastPass<r.radix>(passes, buffer, Memory<V>{other}); });
      exchange();
    }
    return write<V, T>(passes.n, buffer, sink);
  }
  if constexpr (!Sink::kInOrder)
    byRadix(passes.radices[last], [&](auto r) { lastPass<r.radix>(passes, buffer, sink); });
}

} // namespace
} // namespace weft::fft
