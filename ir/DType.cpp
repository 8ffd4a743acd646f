#include "ir/DType.h"

#include "ir/OpTable.h"

namespace weft {

int itemSize(DType type) {
  static const int sizes[kDTypeCount] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
  return sizes[int(type)];
}

bool isFloat(DType type) { return type >= DType::Float16 && type <= DType::Float64; }

DType partOf(DType type) {
  return !isComplex(type) ? type : type == DType::Complex64 ? DType::Float32 : DType::Float64;
}
DType complexOf(DType type) {
  return isComplex(type) ? type : type == DType::Float64 ? DType::Complex128 : DType::Complex64;
}

bool isSignedInt(DType type) { return type >= DType::Int8 && type <= DType::Int64; }
bool isUnsignedInt(DType type) { return type >= DType::UInt8 && type <= DType::UInt64; }
bool isIntegral(DType type) { return type <= DType::Int64; }

const char *name(DType type) {
  static const char *const names[kDTypeCount] = {"bool",     "uint8",   "uint16",  "uint32",    "uint64",
                                                 "int8",     "int16",   "int32",   "int64",     "float16",
                                                 "bfloat16", "float32", "float64", "complex64", "complex128"};
  return names[int(type)];
}

DType promote(DType a, DType b) {
  if (a == b)
    return a;
  if (a > b)
    return promote(b, a);
  // a < b from here on; neither 16-bit float holds the other, and no integer both signs and all of an unsigned one of
  // its size.
  if (a == DType::Float16 && b == DType::BFloat16)
    return DType::Float32;
  if (isUnsignedInt(a) && isSignedInt(b) && itemSize(a) >= itemSize(b)) {
    if (a == DType::UInt64)
      fail(UserError::Kind::Runtime, "promote_types",
           std::string("no integer dtype holds the numbers of both uint64 and ") + name(b) + "; convert one of them");
    return a == DType::UInt8 ? DType::Int16 : a == DType::UInt16 ? DType::Int32 : DType::Int64;
  }
  if (a == DType::Float64 && b == DType::Complex64)
    return DType::Complex128;
  return b;
}

} // namespace weft
