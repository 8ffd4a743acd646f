#include "codegen/elementary/ElementaryCoefficients.h"
#include "codegen/elementary/ElementaryDetail.h"

namespace weft {

using namespace elementary;
namespace c = coefficients;

namespace {

// pi / 2 and 2 / pi in parts of 53 bits.
constexpr double kHalfPi1 = 0x1.921fb54442d18p+0, kHalfPi2 = 0x1.1a62633145c07p-54, kHalfPi3 = -0x1.f1976b7ed8fbcp-110;
constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;

// x = n pi / 2 + high + low in f64; the low bits of `quadrant` are those of n.
struct Angle {
  Scalar high, low, quadrant;
};
struct SinCos {
  Scalar sin, cos;
};

// Digits of 2 / pi in base 2^53, as integers: the one before the point first.
constexpr double kTwoOverPiDigits[] = {0,
                                       0x145f306dc9c882p0,
                                       0x14a7f09d5f47d4p0,
                                       0x1a6ee06db14accp0,
                                       0x13c439041fe516p0,
                                       0x0757bd778ac36ep0,
                                       0x091b8e909374b8p0,
                                       0x00324977504e8cp0,
                                       0x121cfe1deb1cb1p0,
                                       0x0534e7dd1046bep0,
                                       0x14baed1213a671p0,
                                       0x18135a2fbf209cp0,
                                       0x191d639835339fp0,
                                       0x093908bf177bf2p0,
                                       0x0a0ec7fe25fff7p0,
                                       0x102cc07f79788cp0,
                                       0x0b5a0a6d1f6d36p0,
                                       0x0fd9e4f96136e9p0,
                                       0x1d18fd9a797fa8p0,
                                       0x16ba93dd63f5f2p0,
                                       0x1f17b3d0739f78p0,
                                       0x14a525d4d7f6bfp0,
                                       0x0c47e357421580p0,
                                       0x198237e3db5d5fp0,
                                       0x10cfbc209af436p0,
                                       0x03b53c722c2bdcp0,
                                       0x186c219666157cp0};
constexpr int kDigits = sizeof kTwoOverPiDigits / sizeof(double);

Scalar modulo4(Scalar x) { return x - 4.0 * roundEven(0.25 * x); }

struct Turns {
  Scalar n, high, low; // n + high + low quarter turns
};

// x * 2 / pi modulo 4 for |x| >= 4 (Payne & Hanek). With x = s * 2^(53 k), 4 <= |s| < 2^55, the digits before the k-th
// contribute multiples of 4; five digits from the k-th on leave an error below 2^-105.
Turns turnsOfLarge(Scalar x) {
  Scalar exponent = shiftRight(bitsOf(absolute(x)), 52);
  Scalar scaledExponent = exponent - exponent.constantInt(1023 + 2);
  // k = floor(e / 53) for 0 <= e < 1024.
  Scalar k = shiftRight(scaledExponent * scaledExponent.constantInt(1237), 16);
  Scalar power = shiftLeft(k.constantInt(1023) - k * k.constantInt(53), 52); // 2^(-53 k), 2^-1007 at least
  Scalar s = x * bitcast(power, x.type());
  // Move the digits down by k, one bit of k at a time.
  constexpr int kUsed = 5;
  llvm::SmallVector<Scalar, kDigits> digits;
  for (double digit : kTwoOverPiDigits)
    digits.push_back(x.constant(digit));
  for (int bit = 4; bit >= 0; --bit) {
    int step = 1 << bit, kept = kUsed + step - 1;
    Scalar move = (k & k.constantInt(step)) != k.constantInt(0);
    for (int i = 0; i < kept && i + step < int(digits.size()); ++i)
      digits[i] = weft::select(move, digits[i + step], digits[i]);
    digits.resize(std::min<size_t>(kept, digits.size()), x);
  }
  Pair p0 = twoProduct(s, digits[0]);
  s = s * 0x1p-53;
  Pair p1 = twoProduct(s, digits[1]);
  s = s * 0x1p-53;
  Pair p2 = twoProduct(s, digits[2]);
  s = s * 0x1p-53;
  Pair p3 = twoProduct(s, digits[3]);
  Scalar p4 = s * 0x1p-53 * digits[4];
  Pair sum = twoSum(modulo4(p0.high) + modulo4(p0.low), modulo4(p1.high));
  // What the sum leaves is summed likewise, because the sum may cancel against n to about 2^-61.
  Scalar low = sum.low, lowest = p3.low + p4;
  auto addLow = [&](Scalar part) {
    Pair next = twoSum(low, part);
    low = next.high;
    lowest = lowest + next.low;
  };
  for (Scalar part : {p1.low, p2.high}) {
    sum = twoSum(sum.high, part);
    addLow(sum.low);
  }
  addLow(p2.low);
  addLow(p3.high);
  Scalar n = roundEven(sum.high);
  Pair rest = twoSum(sum.high - n, low);
  return {n, rest.high, rest.low + lowest};
}

Angle reduce(Scalar x) {
  // Cody & Waite for |x| < 2^23.
  Scalar n = fma(x, kTwoOverPi, Format(x).roundMagic) - Format(x).roundMagic;
  Scalar first = fma(n, -kHalfPi1, x); // exact
  Pair second = twoProduct(n, n.constant(kHalfPi2));
  Pair difference = twoSum(first, -second.high);
  Pair near = fastTwoSum(difference.high, fma(n, -kHalfPi3, difference.low - second.low));

  Turns turns = turnsOfLarge(x);
  Pair angle = twoProduct(turns.high, n.constant(kHalfPi1));
  Scalar angleLow = angle.low + fma(turns.high, kHalfPi2, turns.low * kHalfPi1);
  Pair far = fastTwoSum(angle.high, angleLow);

  Scalar isLarge = greater(absolute(x), 0x1p23);
  Scalar quadrant = bitsOf(weft::select(isLarge, turns.n, n) + Format(x).roundMagic);
  return {weft::select(isLarge, far.high, near.high), weft::select(isLarge, far.low, near.low), quadrant};
}

SinCos sinCos(const Angle &angle) {
  Scalar r = angle.high, z = r * r;
  Scalar half = 0.5 * z;
  Scalar sinTail = fma(-half, angle.low, angle.low);
  Scalar sin = r + weft::fma(z * r, polynomial(z, c::sin64), sinTail);
  Scalar w = 1.0 - half;
  Scalar cosTail = weft::fma(z * z, polynomial(z, c::cos64), -(r * angle.low));
  Scalar cos = w + (((1.0 - w) - half) + cosTail);
  return {sin, cos};
}

struct Octant {
  SinCos values;
  Scalar quadrant;
};

// A f32 argument, in f64. With x = s * 2^(26 k), s an integer below 2^50 (or x < 2^49 for k = 0), the product of s and
// 2^(26 k) * 2 / pi modulo 4 in two parts reduces every size. The first part for k = 0 is rounded down, so that zeros
// keep their sign.
Octant sinCosOfSingle(Scalar single) {
  Scalar x = convert(single, single.builder->getF64Type());
  Scalar a = absolute(x);
  struct Band {
    double from, scale, high, low;
  };
  static const Band bands[] = {{0x1p49, 0x1p-26, 0x1.b9391054a7f0ap+0, -0x1.505c1596447e5p-55},
                               {0x1p75, 0x1p-52, 0x1.529fc2757d1f5p+0, 0x1.a6ee06db14acdp-55},
                               {0x1p101, 0x1p-78, 0x1.d5f47d4d37703p+0, 0x1.b6295993c4390p-54}};
  Scalar scale = x.constant(1.0);
  Scalar high = x.constant(0x1.45f306dc9c882p-1), low = x.constant(0x1.4a7f09d5f47d5p-54);
  for (const Band &band : bands) {
    Scalar within = a >= a.constant(band.from);
    scale = weft::select(within, x.constant(band.scale), scale);
    high = weft::select(within, x.constant(band.high), high);
    low = weft::select(within, x.constant(band.low), low);
  }
  Scalar s = x * scale;
  double magic = Format(x).roundMagic;
  Scalar rounded = fma(s, high, magic);
  Scalar fraction = weft::fma(s, low, weft::fma(s, high, -(rounded - magic)));
  Scalar r = fraction * kHalfPi1, z = r * r;
  Scalar sin = r * fma(z, polynomial(z, c::sin32), 1.0);
  Scalar cos = weft::fma(z * z, polynomial(z, c::cos32), fma(z, -0.5, 1.0));
  return {{sin, cos}, bitsOf(rounded)};
}

Octant octant(Scalar x) {
  if (isSingle(x))
    return sinCosOfSingle(x);
  Angle angle = reduce(x);
  return {sinCos(angle), angle.quadrant};
}

Scalar isOdd(Scalar quadrant) { return (quadrant & quadrant.constantInt(1)) != quadrant.constantInt(0); }

// The sine at `quadrant` quarter turns further on.
Scalar rotated(const SinCos &values, Scalar quadrant) {
  Scalar value = weft::select(isOdd(quadrant), values.cos, values.sin);
  Scalar sign = shiftLeft(quadrant & quadrant.constantInt(2), 62);
  return bitcast(bitsOf(value) ^ sign, value.type());
}

} // namespace

// x = q / 2 + r with |r| <= 1/4, both exact; the angle is pi r.
static Octant octantOfTurns(Scalar x) {
  Scalar x2 = modulo4(x + x), q = roundEven(x2), r = 0.5 * (x2 - q);
  constexpr double kPi = 2 * kHalfPi1, kPiLow = 2 * kHalfPi2;
  Scalar high = r * kPi, low = weft::fma(r, r.constant(kPi), -high) + r * kPiLow;
  return {sinCos({high, low, q}), bitsOf(q + Format(x).roundMagic)};
}

namespace elementary {

Scalar sinPi(Scalar x) {
  Octant o = octantOfTurns(x);
  return rotated(o.values, o.quadrant);
}

Scalar cosPi(Scalar x) {
  Octant o = octantOfTurns(x);
  return rotated(o.values, o.quadrant + o.quadrant.constantInt(1));
}

} // namespace elementary

Scalar sinc(Scalar x) {
  if (isSingle(x))
    return throughF64(sinc, x);
  Scalar angle = x * (2 * kHalfPi1);
  Scalar result = select(equal(absolute(x), kInfinity), 0.0, sinPi(x) / angle);
  return select(less(absolute(x), 1e-9), 1.0, result);
}

Scalar sin(Scalar x) {
  if (x.named)
    return asOp<mlir::math::SinOp>(x);
  Octant o = octant(x);
  Scalar result = convert(rotated(o.values, o.quadrant), x.type());
  return isSingle(x) ? result : weft::select(less(absolute(x), 0x1p-27), x, result);
}

Scalar cos(Scalar x) {
  if (x.named)
    return asOp<mlir::math::CosOp>(x);
  Octant o = octant(x);
  return convert(rotated(o.values, o.quadrant + o.quadrant.constantInt(1)), x.type());
}

Scalar tan(Scalar x) {
  if (x.named)
    return asOp<mlir::math::TanOp>(x);
  Octant o = octant(x);
  Scalar odd = isOdd(o.quadrant);
  Scalar quotient = weft::select(odd, -o.values.cos, o.values.sin) / weft::select(odd, o.values.sin, o.values.cos);
  Scalar result = convert(quotient, x.type());
  return isSingle(x) ? result : weft::select(less(absolute(x), 0x1p-27), x, result);
}

} // namespace weft
