#include "runtime/extern/fft/Plan.h"

#include <initializer_list>

namespace weft::fft {
namespace {

using Root = Complex<double>;

Root product(Root a, Root b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }

// Of an angle of at most an eighth of a turn, by their series: the same bits on any machine, which the C library's need
// not be.
double sine(double x) {
  const double z = x * x;
  double sum = 1 / 355687428096000.;
  for (double c : {-1 / 1307674368000., 1 / 6227020800., -1 / 39916800., 1 / 362880., -1 / 5040., 1 / 120., -1 / 6.})
    sum = sum * z + c;
  return x + x * z * sum;
}
double cosine(double x) {
  const double z = x * x;
  double sum = 1 / 20922789888000.;
  for (double c : {-1 / 87178291200., 1 / 479001600., -1 / 3628800., 1 / 40320., -1 / 720., 1 / 24.})
    sum = sum * z + c;
  return 1 - (z / 2 - z * z * sum);
}

// exp(-2 pi i k / n), 0 <= k < n, from an angle of at most an eighth of a turn.
Root rootOf(int64_t k, int64_t n) {
  int64_t eighth = 8 * k / n;
  int64_t distance = eighth % 2 == 0 ? 8 * k - eighth * n : (eighth + 1) * n - 8 * k;
  double angle = double(distance) * 0.78539816339744830962 / double(n);
  double c = cosine(angle), s = sine(angle);
  const Root roots[8] = {{c, -s}, {s, -c}, {-s, -c}, {-c, -s}, {-c, s}, {-s, c}, {s, c}, {c, s}};
  return roots[eighth];
}

// All roots of n as products of two of some 2 sqrt(n).
class Roots {
public:
  static int64_t bytes(int64_t n) { return ((int64_t(1) << bitsOf(n)) + (n >> bitsOf(n)) + 1) * int64_t(sizeof(Root)); }
  Roots(int64_t n, char *memory)
      : bits(bitsOf(n)), fine(reinterpret_cast<Root *>(memory)), coarse(fine + (int64_t(1) << bits)) {
    for (int64_t i = 0; i < (int64_t(1) << bits) && i < n; ++i)
      fine[i] = rootOf(i, n);
    for (int64_t i = 0; i << bits < n; ++i)
      coarse[i] = rootOf(i << bits, n);
  }
  template <class T> Complex<T> get(int64_t k) const {
    Root root = product(coarse[k >> bits], fine[k & ((int64_t(1) << bits) - 1)]);
    return {T(root.re), T(root.im)};
  }

private:
  static int bitsOf(int64_t n) {
    int bits = 0;
    while (int64_t(1) << (2 * bits) < n)
      ++bits;
    return bits;
  }
  int bits;
  Root *fine, *coarse;
};

int64_t rounded(int64_t bytes) { return (bytes + 63) & ~int64_t(63); }

// Few passes, each with its numbers in registers: eights, with twos left over as fours where that goes.
int factorise(int64_t n, int *radices) {
  int count = 0, twos = 0;
  for (; n % 2 == 0; n /= 2)
    ++twos;
  while (twos >= 3 && twos != 4) {
    radices[count++] = 8;
    twos -= 3;
  }
  for (; twos >= 2; twos -= 2)
    radices[count++] = 4;
  if (twos)
    radices[count++] = 2;
  for (int radix = 3; n > 1; radix += 2)
    for (; n % radix == 0; n /= radix)
      radices[count++] = radix;
  return count;
}

// The least length from `least` on that has no prime factor but 2, 3 and 5.
int64_t smoothFrom(int64_t least) {
  for (int64_t n = least;; ++n) {
    int64_t rest = n;
    for (int64_t prime : {2, 3, 5})
      while (rest % prime == 0)
        rest /= prime;
    if (rest == 1)
      return n;
  }
}

} // namespace

bool isSmooth(int64_t n) {
  for (int64_t prime = 2; prime <= kLargestRadix && n > 1; ++prime)
    while (n % prime == 0)
      n /= prime;
  return n <= 1;
}

int64_t passesLength(int64_t n) { return isSmooth(n) ? n : smoothFrom(2 * n - 1); }

template <class T> int64_t planBytes(int64_t n, bool real) {
  int64_t length = passesLength(n), element = int64_t(sizeof(Complex<T>));
  int64_t bytes = rounded(Roots::bytes(length)) + rounded(2 * length * element) + 64 * kMostPasses;
  if (length != n)
    bytes += rounded(Roots::bytes(2 * n)) + rounded(n * element) + rounded(length * element);
  if (real)
    bytes += rounded(Roots::bytes(2 * n)) + rounded((n + 1) * element);
  return bytes;
}

template <class T> Plan<T> makePlan(int64_t n, bool real, char *memory) {
  auto take = [&](int64_t bytes) {
    char *taken = memory;
    memory += rounded(bytes);
    return taken;
  };
  auto elements = [&](int64_t count) {
    return reinterpret_cast<Complex<T> *>(take(count * int64_t(sizeof(Complex<T>))));
  };
  Plan<T> plan{};
  plan.n = n;
  Passes<T> &passes = plan.passes;
  passes.n = passesLength(n);
  passes.count = factorise(passes.n, passes.radices);
  Roots roots(passes.n, take(Roots::bytes(passes.n)));
  for (int64_t p = 0, before = 1; p < passes.count; before *= passes.radices[p++]) {
    int64_t radix = passes.radices[p], inner = passes.n / (before * radix);
    if (radix > 5 && radix != 8) {
      Complex<T> *own = elements(radix);
      for (int64_t j = 0; j < radix; ++j)
        own[j] = roots.get<T>(j * (passes.n / radix));
      passes.roots[p] = own;
    }
    if (inner == 1)
      continue;
    Complex<T> *twiddle = elements(inner * (radix - 1));
    passes.twiddles[p] = twiddle;
    for (int64_t i = 0; i < inner; ++i)
      for (int64_t j = 1; j < radix; ++j)
        *twiddle++ = roots.get<T>(i * j * before);
  }
  if (passes.n != n) {
    Roots halves(2 * n, take(Roots::bytes(2 * n)));
    Complex<T> *chirp = elements(n);
    for (int64_t k = 0, square = 0; k < n; square = (square + 2 * k + 1) % (2 * n), ++k)
      chirp[k] = halves.get<T>(square);
    plan.chirp = chirp;
    plan.response = elements(passes.n);
  }
  if (real) {
    Roots halves(2 * n, take(Roots::bytes(2 * n)));
    Complex<T> *all = elements(n + 1);
    for (int64_t k = 0; k <= n; ++k)
      all[k] = halves.get<T>(k);
    plan.halves = all;
  }
  return plan;
}

template <class T> void fillPowers(int64_t n, int64_t step, int64_t first, int64_t lanes, int64_t count, T *out) {
  constexpr int64_t kMostLanes = 16, kMostPowers = 256;
  for (int64_t lane = 0; lane < lanes && lane < kMostLanes; ++lane) {
    Root powers[kMostPowers];
    powers[0] = {1, 0};
    if (count > 1)
      powers[1] = rootOf(step * (first + lane) % n, n);
    for (int64_t i = 0; i < count; ++i) {
      // By squares, so that errors grow as the logarithm.
      if (i > 1)
        powers[i] = product(powers[i / 2], powers[i - i / 2]);
      out[(2 * i) * lanes + lane] = T(powers[i].re);
      out[(2 * i + 1) * lanes + lane] = T(powers[i].im);
    }
  }
}

template int64_t planBytes<float>(int64_t, bool);
template int64_t planBytes<double>(int64_t, bool);
template Plan<float> makePlan<float>(int64_t, bool, char *);
template Plan<double> makePlan<double>(int64_t, bool, char *);
template void fillPowers<float>(int64_t, int64_t, int64_t, int64_t, int64_t, float *);
template void fillPowers<double>(int64_t, int64_t, int64_t, int64_t, int64_t, double *);

} // namespace weft::fft
