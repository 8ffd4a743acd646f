// Discrete Fourier transforms of any length along any axis, in terms of those that runtime/extern/fft has: rows and
// columns of up to kLongest elements, and two steps for longer ones. Which it is, is a function of the length alone,
// but for what has the same bits.
#include "ir/Composites.h"

#include <cmath>

namespace weft::build {

namespace {

// Longer ones are two steps, so that what a core works on stays in its cache.
constexpr int64_t kLongest = 4096;
constexpr int64_t kLargestRadix = 61; // of runtime/extern/fft/Plan.h: lengths with a larger prime are convolutions
constexpr int64_t kMostRows = 16384;  // of a step
// A task takes about this many columns.
constexpr int64_t kColumnsOfTask = 64;

int64_t piecesOf(int64_t columns) { return (columns + kColumnsOfTask - 1) / kColumnsOfTask; }

// Of 16 bits: the transform is of float32 then.
bool isNarrow(Val x) { return x.dtype() != DType::Float32 && x.dtype() != DType::Float64; }

Dims withLast(Dims shape, int64_t size) {
  shape.push_back(size);
  return shape;
}
Val part(Val x, int64_t dim, int64_t from, int64_t size) {
  Dims starts(x.rank(), 0), sizes = x.shape(), steps(x.rank(), 1);
  starts[dim] = from;
  sizes[dim] = size;
  return slice(x, starts, sizes, steps);
}
Val padded(Val x, int64_t dim, int64_t size) {
  Dims zeros(x.rank(), 0), high = zeros;
  high[dim] = size - x.shape()[dim];
  return pad(x, zeros, high, zeros, 0.0);
}
Val partOf(Val pairs, int64_t which) {
  int last = pairs.rank() - 1;
  return squeezed(part(pairs, last, which, 1), last);
}
Val pairsOf(Val re, Val im) { return concatenate({unsqueezed(re, re.rank()), unsqueezed(im, im.rank())}, re.rank()); }
Val times(Val a, Val b) {
  Val aRe = partOf(a, 0), aIm = partOf(a, 1), bRe = partOf(b, 0), bIm = partOf(b, 1);
  return pairsOf(aRe * bRe - aIm * bIm, aRe * bIm + aIm * bRe);
}
Val conjugate(Val x) { return pairsOf(partOf(x, 0), -partOf(x, 1)); }

bool isSmooth(int64_t n) {
  for (int64_t prime = 2; prime <= kLargestRadix; ++prime)
    while (n % prime == 0)
      n /= prime;
  return n == 1;
}

// The greatest divisor that is no greater than the square root.
int64_t rowsOf(int64_t n) {
  int64_t rows = int64_t(std::sqrt(double(n)));
  while (rows * rows > n || n % rows != 0)
    --rows;
  return rows;
}

// x: [batches, n, 2].
Val longSmooth(Val x, bool inverse, double scale) {
  const int64_t batches = x.shape()[0], n = x.shape()[1], rows = rowsOf(n), columns = n / rows;
  if (columns > kMostRows)
    fail(UserError::Kind::NotImplemented, "fft",
         "a transform of " + std::to_string(n) + " elements is too long; the longest have 2^28");
  Val tiles = fft_first(reshape(x, {batches, rows, columns, 2}), inverse, piecesOf(columns));
  return reshape(fft_second(tiles, rows, columns, inverse, scale, piecesOf(rows)), x.shape());
}

// By a convolution with a chirp, exp(-i pi k^2 / n) (Bluestein 1970), in transforms of a power of 2.
Val longWithPrime(Val x, bool inverse, double scale) {
  const int64_t n = x.shape()[1];
  int64_t length = 1;
  while (length < 2 * n - 1)
    length *= 2;
  Val k = iota(x, {n}, 0, DType::Int64);
  // k^2 modulo 2 n is as good, and exact in a float64.
  Val square = k * k - floor_divide(k * k, filled(x, {n}, DType::Int64, double(2 * n))) *
                           filled(x, {n}, DType::Int64, double(2 * n));
  Val angle = cast(square, DType::Float64) * (3.14159265358979323846 / double(n) * (inverse ? 1 : -1));
  Val chirp = cast(pairsOf(cos(angle), sin(angle)), x.dtype()); // [n, 2]
  Val other = conjugate(chirp);
  Val response = concatenate({padded(other, 0, length - n + 1), flip(part(other, 0, 1, n - 1), {0})}, 0);
  Val spectrum = longSmooth(unsqueezed(response, 0), false, 1.0 / double(length));
  Val chirps = expandTo(unsqueezed(chirp, 0), x.shape());
  Val signal = longSmooth(padded(times(x, chirps), 1, length), false, 1.0);
  Val result = longSmooth(times(signal, expandTo(spectrum, signal.shape())), true, scale);
  return times(part(result, 1, 0, n), chirps);
}

Val rowsInOrder(Val x, bool inverse, double scale) {
  const int64_t n = x.shape()[1];
  if (n <= kLongest)
    return fft_rows(x, inverse, scale);
  return isSmooth(n) ? longSmooth(x, inverse, scale) : longWithPrime(x, inverse, scale);
}

} // namespace

Val fourier(Val x, int64_t dim, bool inverse, double scale) {
  if (isNarrow(x))
    return cast(fourier(cast(x, DType::Float32), dim, inverse, scale), x.dtype());
  const Dims shape = x.shape();
  const int64_t n = shape[dim];
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < dim; ++i)
    outer *= shape[i];
  for (int i = int(dim) + 1; i + 1 < x.rank(); ++i)
    inner *= shape[i];
  if (inner == 1)
    return reshape(rowsInOrder(reshape(x, {outer, n, 2}), inverse, scale), shape);
  const int64_t lanes = x.dtype() == DType::Float64 ? 8 : 16;
  Val wide = reshape(x, {outer, n, inner, 2});
  if (n <= kLongest && 2 * inner >= lanes)
    return reshape(fft_columns(wide, inverse, scale, piecesOf(inner)), shape);
  Val rows = rowsInOrder(reshape(permute(wide, {0, 2, 1, 3}), {outer * inner, n, 2}), inverse, scale);
  return reshape(permute(reshape(rows, {outer, inner, n, 2}), {0, 2, 1, 3}), shape);
}

Val fourierOfReal(Val x, int64_t dim, double scale) {
  if (isNarrow(x))
    return cast(fourierOfReal(cast(x, DType::Float32), dim, scale), x.dtype());
  const int64_t n = x.shape()[dim];
  if (n % 2 == 0 && n <= 2 * kLongest) {
    Val rows = movedToLast(x, dim);
    Dims shape = rows.shape();
    Val made = fft_real_rows(reshape(rows, {shape.product() / n, n}), scale);
    shape.back() = n / 2 + 1;
    made = reshape(made, withLast(shape, 2)); // [..., n / 2 + 1, 2]
    Dims order;
    for (int i = 0, from = 0; i < x.rank(); ++i)
      order.push_back(i == dim ? x.rank() - 1 : from++);
    return permute(made, withLast(order, x.rank()));
  }
  return part(fourier(pairsOf(x, zerosLike(x)), dim, false, scale), dim, 0, n / 2 + 1);
}

Val fourierToReal(Val x, int64_t dim, int64_t size, double scale) {
  if (isNarrow(x))
    return cast(fourierToReal(cast(x, DType::Float32), dim, size, scale), x.dtype());
  if (size % 2 == 0 && size <= 2 * kLongest) {
    Dims order;
    for (int i = 0; i + 1 < x.rank(); ++i)
      if (i != dim)
        order.push_back(i);
    order.push_back(dim);
    Val rows = permute(x, withLast(order, x.rank() - 1));
    Dims shape = rows.shape();
    shape.pop_back();
    Val made = fft_to_real_rows(reshape(rows, {shape.product() / shape.back(), shape.back(), 2}), scale);
    shape.back() = size;
    return movedFromLast(reshape(made, shape), dim);
  }
  // The other half is this one's conjugate, backwards.
  const int64_t inside = size - (size / 2 + 1);
  Val whole = x;
  if (inside > 0)
    whole = concatenate({x, conjugate(flip(part(x, dim, 1, inside), {dim}))}, dim);
  Val im = partOf(whole, 1), at = iota(im, im.shape(), dim, DType::Int64);
  Val isReal = at == 0.0;
  if (size % 2 == 0)
    isReal = logical_or(isReal, at == double(size / 2));
  return partOf(fourier(pairsOf(partOf(whole, 0), where(isReal, 0.0, im)), dim, true, scale), 0);
}

Val doubledInside(Val spectrum, int64_t dim, int64_t size, double by) {
  Val at = iota(spectrum, spectrum.shape(), dim, DType::Int64);
  Val alone = at == 0.0;
  if (size % 2 == 0)
    alone = logical_or(alone, at == double(size / 2));
  return where(alone, spectrum, spectrum * by);
}

} // namespace weft::build
