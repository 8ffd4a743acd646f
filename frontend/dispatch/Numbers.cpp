#include "frontend/dispatch/Numbers.h"

#include "frontend/dispatch/Ops.h"
#include "frontend/trace/Trace.h"
#include "runtime/cpu/FloatMode.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

namespace weft {

// ---------------------------------------------------------------- Storing

// The float32 that rounds to a narrower float as `value` does: what is lost is kept in the last bit (round to odd).
static uint32_t roundToOdd(double value) {
  float f = float(value);
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  if (double(f) != value && !std::isnan(f)) {
    if (std::fabs(double(f)) > std::fabs(value))
      --bits;
    bits |= 1;
  }
  return bits;
}

static uint16_t toFloat16(double value) {
  uint32_t bits = roundToOdd(value);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return 0x7e00;
  if (magnitude >= 0x477ff000) // rounds to 2^16 or more
    return uint16_t(sign | 0x7c00);
  if (magnitude < 0x38800000) { // subnormal: count units of 2^-24
    float units;
    std::memcpy(&units, &magnitude, 4);
    return uint16_t(sign | uint32_t(std::nearbyint(double(units) * 0x1p24)));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return uint16_t(sign | (rounded - 0x38000000) >> 13);
}

static uint16_t toBFloat16(double value) {
  uint32_t bits = roundToOdd(value);
  return std::isnan(value) ? 0x7fc0 : uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// The double that rounds to a float of at most 24 bits as the integer does.
static double roundable(int64_t value) {
  bool exact = value > -(int64_t(1) << 53) && value < int64_t(1) << 53;
  return double(exact || !(value & 0x7ff) ? value : (value & ~int64_t(0x7ff)) | 0x400);
}

static double realValue(const TensorImpl &number, DType dtype) {
  if (isFloat(number.dtype)) // there is one NaN
    return std::isnan(number.number) ? std::numeric_limits<double>::quiet_NaN() : number.number;
  return dtype == DType::Float64 ? double(number.integer) : roundable(number.integer);
}

[[noreturn]] static void failRange(const TensorImpl &number, DType dtype) {
  fail(UserError::Kind::Runtime, "scalar",
       "value cannot be converted to type " + std::string(name(dtype)) + " without overflow; got " +
           (isFloat(number.dtype) ? std::to_string(number.number) : std::to_string(number.integer)));
}

template <class T> static void storeInteger(const TensorImpl &number, void *memory, DType dtype) {
  T value;
  if (isFloat(number.dtype)) {
    double v = number.number;
    constexpr double largest =
        double(std::numeric_limits<T>::max()); // of 64 bits: a power of two, which T does not hold
    if (!(v >= double(std::numeric_limits<T>::min()) && (sizeof(T) < 8 ? v <= largest : v < largest)))
      failRange(number, dtype);
    value = T(v);
  } else {
    // Negative numbers wrap in unsigned dtypes, as in PyTorch.
    if ((number.integer < int64_t(std::numeric_limits<T>::min()) && std::is_signed<T>::value) ||
        (number.integer > 0 && uint64_t(number.integer) > uint64_t(std::numeric_limits<T>::max())))
      failRange(number, dtype);
    value = T(number.integer);
  }
  std::memcpy(memory, &value, sizeof(T));
}

void storeNumber(const Tensor &number, DType dtype, void *memory) {
  const TensorImpl &n = *number.impl;
  if (isComplex(n.dtype)) // of which the real part is kept, if that is all
    return storeNumber(Tensor::wrapped(number.itemDouble()), dtype, memory);
  switch (dtype) {
  case DType::Float64: {
    double real = realValue(n, dtype);
    std::memcpy(memory, &real, 8);
    break;
  }
  case DType::Float32: {
    float f = float(realValue(n, dtype));
    std::memcpy(memory, &f, 4);
    break;
  }
  case DType::Float16: {
    uint16_t h = toFloat16(realValue(n, dtype));
    std::memcpy(memory, &h, 2);
    break;
  }
  case DType::BFloat16: {
    uint16_t h = toBFloat16(realValue(n, dtype));
    std::memcpy(memory, &h, 2);
    break;
  }
  case DType::Bool: {
    bool truth = isFloat(n.dtype) ? n.number != 0 : n.integer != 0;
    std::memcpy(memory, &truth, 1);
    break;
  }
  case DType::UInt8:
    return storeInteger<uint8_t>(n, memory, dtype);
  case DType::UInt16:
    return storeInteger<uint16_t>(n, memory, dtype);
  case DType::UInt32:
    return storeInteger<uint32_t>(n, memory, dtype);
  case DType::UInt64:
    return storeInteger<uint64_t>(n, memory, dtype);
  case DType::Int8:
    return storeInteger<int8_t>(n, memory, dtype);
  case DType::Int16:
    return storeInteger<int16_t>(n, memory, dtype);
  case DType::Int32:
    return storeInteger<int32_t>(n, memory, dtype);
  case DType::Int64:
    return storeInteger<int64_t>(n, memory, dtype);
  case DType::Complex64:
  case DType::Complex128:
    break; // kept in two
  }
}

Tensor constantOf(const Tensor &number, DType dtype, Device device) {
  if (isComplex(dtype)) {
    std::complex<double> value = number.itemComplex();
    if (!Trace::active()) {
      alignas(8) char bytes[16];
      const int size = itemSize(partOf(dtype));
      storeNumber(Tensor::wrapped(value.real()), partOf(dtype), bytes);
      storeNumber(Tensor::wrapped(value.imag()), partOf(dtype), bytes + size);
      return Tensor::fromHost(bytes, {}, dtype, device);
    }
    Tensor parts[2];
    for (int i = 0; i < 2; ++i)
      parts[i] = constantOf(Tensor::wrapped(i ? value.imag() : value.real()), partOf(dtype), device);
    return complexFromParts(parts[0], parts[1]);
  }
  if (isComplex(number.dtype()))
    return constantOf(Tensor::wrapped(number.itemDouble()), dtype, device);
  StandardFloatMode mode;
  const TensorImpl &n = *number.impl;
  alignas(8) char bytes[8];
  storeNumber(number, dtype, bytes);
  Tensor t = Tensor::fromHost(bytes, {}, dtype, device);
  t.impl->constant = true;
  t.impl->number = realValue(n, dtype);
  t.impl->integer = dtype == DType::Bool ? bytes[0]
                    : isFloat(n.dtype)   ? (isFloat(dtype) ? 0 : int64_t(n.number))
                                         : n.integer;
  return t;
}

// ---------------------------------------------------------------- Numbers that do not fit

namespace {

// Of an integer dtype; of uint64 the part that integers of Python's can be operands of.
struct Range {
  int64_t low, high;
};
Range rangeOf(DType dtype) {
  int bits = std::min(63, 8 * itemSize(dtype) - (isSignedInt(dtype) ? 1 : 0));
  int64_t high = int64_t(~uint64_t(0) >> (64 - bits));
  return {isSignedInt(dtype) ? -high - 1 : 0, high};
}

bool isInteger(DType dtype) { return isIntegral(dtype) && dtype != DType::Bool; }

// The dtype that tensors of integers promote to, if there are such and numbers alone.
std::optional<DType> integersBesideNumbers(const Tensor *operands, int count) {
  std::optional<DType> ofScalars, dimensioned;
  bool numbers = false;
  for (int i = 0; i < count; ++i) {
    if (operands[i].impl->wrappedNumber) {
      numbers = true;
      continue;
    }
    DType dtype = operands[i].dtype();
    if (!isInteger(dtype))
      return {};
    std::optional<DType> &rank = operands[i].dim() ? dimensioned : ofScalars;
    rank = rank ? promote(*rank, dtype) : dtype;
  }
  return !numbers ? std::nullopt : dimensioned ? dimensioned : ofScalars;
}

// -1: below the range, 1: above it, 0: within.
int side(const TensorImpl &number, Range range) {
  if (!isFloat(number.dtype))
    return number.integer < range.low ? -1 : number.integer > range.high ? 1 : 0;
  // high + 1 is a power of two, which is exact where `high` is not.
  return number.number < double(range.low) ? -1 : number.number >= double(range.high) + 1 ? 1 : 0;
}

int mirrored(int relation) {
  return (relation & kEqual) | (relation & kLess ? kGreater : 0) | (relation & kGreater ? kLess : 0);
}

// A relation of x and the number, for all x of the range, as one of x and a bound; the bound is returned.
int64_t compareExactly(int &relation, const TensorImpl &number, Range range) {
  // Every x is below the number, none is, or those at most `bound`.
  int outside = side(number, range);
  double real = isFloat(number.dtype) ? number.number : 0;
  bool whole = !isFloat(number.dtype) || real == std::floor(real);
  if (outside == 0 && whole && !std::isnan(real))
    return isFloat(number.dtype) ? int64_t(real) : number.integer;
  constexpr int kAll = kGreater | kEqual, kNone = kLess; // of x and the least one
  bool unequal = relation == (kLess | kGreater), below = relation & kLess;
  if (std::isnan(real) || relation == kEqual || unequal) {
    relation = unequal ? kAll : kNone;
    return range.low;
  }
  if (outside < 0) { // all x are above it
    relation = below ? kNone : kAll;
    return range.low;
  }
  relation = below ? kLess | kEqual : kGreater;
  return outside > 0 ? range.high : int64_t(std::floor(real));
}

} // namespace

bool fitNumbers(OpKind &op, const Tensor *operands, int count, Tensor (&fitted)[3]) {
  if (count < 2 || count > 3 || isFloat(operands[0].dtype()))
    return false;
  if (op == OpKind::Pow && operands[0].dtype() == DType::Bool && !operands[0].impl->wrappedNumber &&
      operands[1].impl->wrappedNumber && operands[1].dtype() == DType::Bool) { // x ** True is x, x ** False is true
    op = OpKind::LogicalOr;
    fitted[0] = operands[0];
    fitted[1] = Tensor::wrapped(operands[1].impl->integer == 0);
    return true;
  }
  const OpTraits &asked = traits(op);
  int relation = asked.relation;
  if (!relation && !(asked.lowerBounds | asked.upperBounds) && !asked.modular)
    return false;
  std::optional<DType> dtype = integersBesideNumbers(operands, count);
  if (!dtype)
    return false;
  Range range = rangeOf(*dtype);
  bool changes = false;
  for (int i = 0; i < count; ++i) {
    fitted[i] = operands[i];
    const TensorImpl &number = *operands[i].impl;
    if (!number.wrappedNumber)
      continue;
    int outside = side(number, range);
    if (outside > 0 && *dtype == DType::UInt64)
      failRange(number, *dtype);
    if (relation && (outside || isFloat(number.dtype))) {
      if (i == 0) { // the number comes second
        relation = mirrored(relation);
        fitted[0] = operands[1];
      }
      fitted[1] = Tensor::wrapped(compareExactly(relation, number, range));
      op = comparison(relation);
      return true;
    }
    if (!outside || isFloat(number.dtype))
      continue;
    if (asked.modular) {
      int shift = 64 - 8 * itemSize(*dtype);
      uint64_t low = uint64_t(number.integer) << shift;
      fitted[i] = Tensor::wrapped(isSignedInt(*dtype) ? int64_t(low) >> shift : int64_t(low >> shift));
      changes = true;
    } else {
      if (outside != (asked.lowerBounds >> i & 1 ? -1 : 1))
        failRange(number, *dtype); // it would be the result
      fitted[i] = Tensor::wrapped(outside < 0 ? range.low : range.high);
      changes = true;
    }
  }
  return changes;
}

Tensor limited(const Tensor &t, DType dtype) {
  if (t.impl->wrappedNumber || !isInteger(t.dtype()) || !isInteger(dtype) || promote(t.dtype(), dtype) == dtype)
    return t;
  Range range = rangeOf(dtype);
  return call(OpKind::Clamp, {t, Tensor::wrapped(range.low), Tensor::wrapped(range.high)});
}

} // namespace weft
