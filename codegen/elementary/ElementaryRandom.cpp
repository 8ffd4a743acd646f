#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

#include <array>

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

using Words = std::array<Scalar, 4>; // i32

struct Halves {
  Scalar high, low;
};
Halves halves(Scalar wide) {
  mlir::Type i32 = wide.builder->getI32Type();
  return {convert(shiftRightLogical(wide, wide.constantInt(32)), i32), convert(wide, i32)};
}

Halves multiply(Scalar a, uint32_t factor) {
  a.isUnsigned = true;
  Scalar wide = convert(a, a.builder->getI64Type());
  return halves(wide * wide.constantInt(factor));
}

Words philox(Scalar seed, Scalar counter) {
  Halves key = halves(seed), first = halves(counter);
  Scalar zero = first.low.constantInt(0);
  Words w = {first.low, first.high, zero, zero};
  for (int round = 0; round < 10; ++round) {
    if (round) {
      key.low = key.low + key.low.constantInt(int32_t(0x9E3779B9));
      key.high = key.high + key.high.constantInt(int32_t(0xBB67AE85));
    }
    Halves a = multiply(w[0], 0xD2511F53), b = multiply(w[2], 0xCD9E8D57);
    w = {b.high ^ w[1] ^ key.low, b.low, a.high ^ w[3] ^ key.high, a.low};
  }
  return w;
}

Scalar join(Scalar high, Scalar low) {
  high.isUnsigned = low.isUnsigned = true;
  mlir::Type i64 = high.builder->getI64Type();
  Scalar wide = shiftLeft(convert(high, i64), 32) | convert(low, i64);
  wide.isUnsigned = false;
  return wide;
}

// 24 bits of a word, or less, or 53 of two, as a number in [0, 1).
Scalar fraction(Scalar a, Scalar b, mlir::Type type, int bits) {
  if (type.isF32())
    return convert(shiftRightLogical(a, a.constantInt(32 - bits)), type) * std::ldexp(1.0, -bits);
  Scalar wide = join(a, b);
  return convert(shiftRightLogical(wide, wide.constantInt(11)), type) * 0x1p-53;
}
// The numbers of bits that f32 and f64 hold.
int precision(mlir::Type type) { return type.isF32() ? 24 : 53; }

// The upper 64 bits of a product of unsigned integers.
Scalar multiplyHigh(Scalar a, Scalar b) {
  auto low = [](Scalar x) { return x & x.constantInt(0xffffffff); };
  auto high = [](Scalar x) { return shiftRightLogical(x, x.constantInt(32)); };
  Scalar middle = high(a) * low(b) + high(low(a) * low(b));
  Scalar carried = low(a) * high(b) + low(middle);
  return high(a) * high(b) + high(middle) + high(carried);
}

// cos(pi / 2 * q) for 0 <= q < 4.
Scalar cosOfQuarterTurns(Scalar q) {
  Scalar n = roundEven(q);
  Scalar r = (q - n) * 0x1.921fb54442d18p+0, z = r * r;
  bool single = isSingle(q);
  Scalar sin = weft::fma(z * r, single ? polynomial(z, c::sin32) : polynomial(z, c::sin64), r);
  Scalar cos = weft::fma(z * z, single ? polynomial(z, c::cos32) : polynomial(z, c::cos64), fma(z, -0.5, 1.0));
  Scalar one = q.constant(1), two = q.constant(2), three = q.constant(3);
  Scalar value = weft::select((n == one) | (n == three), sin, cos);
  return weft::select((n == one) | (n == two), -value, value);
}

} // namespace

Scalar uniform01(Scalar seed, Scalar counter, mlir::Type type, int bits) {
  Words w = philox(seed, counter);
  return fraction(w[0], w[1], type, bits);
}

Scalar randomInteger(Scalar seed, Scalar counter, Scalar low, Scalar high) {
  Words w = philox(seed, counter);
  Scalar count = high - low, first = join(w[0], w[1]);
  // 128 bits times the count: below 2^-64 of a number is more likely than another.
  Scalar rest = multiplyHigh(join(w[2], w[3]), count), product = first * count, sum = product + rest;
  sum.isUnsigned = product.isUnsigned = true;
  return low + multiplyHigh(first, count) + convert(sum < product, low.type());
}

Scalar normal01(Scalar seed, Scalar counter, mlir::Type type) {
  Words w = philox(seed, counter);
  Scalar radius = w[0];
  if (type.isF32()) {
    // All 32 bits, and half a step more: never 0, for tails up to 6.7.
    Scalar word = w[0];
    word.isUnsigned = true;
    radius = fma(convert(word, type), 0x1p-32, 0x1p-33);
  } else {
    radius = fraction(w[0], w[1], type, precision(type)) + 0x1p-54;
  }
  bool single = type.isF32();
  Scalar quarterTurns = 4.0 * fraction(w[single ? 1 : 2], w[single ? 1 : 3], type, precision(type));
  return sqrt(-2.0 * log(radius)) * cosOfQuarterTurns(quarterTurns);
}

} // namespace weft
