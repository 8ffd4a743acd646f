// What a transform of a length needs besides its input: the order of its passes and their roots of unity. A plan is
// made in scratch memory by the call that uses it, in a few microseconds, so that there is no state. It is a function
// of the length and the dtype alone.
#pragma once
#include <cstdint>

namespace weft::fft {

template <class V> struct Complex {
  V re, im;
};

// A prime radix takes time by its square: lengths with a larger one are convolutions (Bluestein 1970).
inline constexpr int64_t kLargestRadix = 61;
inline constexpr int kMostPasses = 40;

// A transform of length n by passes of these radices in Stockham's order, by decimation in frequency: the first pass
// takes elements n / radices[0] apart, the last ones side by side.
template <class T> struct Passes {
  int64_t n;
  int count;
  int radices[kMostPasses];
  const Complex<T> *twiddles[kMostPasses]; // [product of the radices after it][radix - 1]; of the last pass none
  const Complex<T> *roots[kMostPasses];    // of a radix without a function of its own: its roots of unity
};

template <class T> struct Plan {
  int64_t n;
  Passes<T> passes;
  // Where n has a larger prime, passes are of a length of at least 2 n - 1, and a transform is a convolution with the
  // conjugate chirp.
  const Complex<T> *chirp;  // exp(-i pi k^2 / n), k < n; else null
  Complex<T> *response;     // the transform of the conjugate chirp over the passes' length: for the engine to fill
  const Complex<T> *halves; // of a real transform of 2 n: exp(-i pi k / n), k <= n; else null
};

bool isSmooth(int64_t n);
int64_t passesLength(int64_t n); // of the plan for n
template <class T> int64_t planBytes(int64_t n, bool real);
template <class T> Plan<T> makePlan(int64_t n, bool real, char *memory);

// out[i][lane] = exp(-2 pi i step i (first + lane) / n), i < count, for so many lanes; real and imaginary parts apart:
// [count][2][lanes].
template <class T> void fillPowers(int64_t n, int64_t step, int64_t first, int64_t lanes, int64_t count, T *out);

} // namespace weft::fft
