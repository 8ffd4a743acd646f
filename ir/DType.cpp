#include "ir/DType.h"

namespace weft {

int itemSize(DType type) {
  static const int sizes[kDTypeCount] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
  return sizes[int(type)];
}

bool isFloat(DType type) { return type >= DType::Float16; }
bool isSignedInt(DType type) { return type >= DType::Int8 && type <= DType::Int64; }
bool isIntegral(DType type) { return type <= DType::Int64; }

const char *name(DType type) {
  static const char *const names[kDTypeCount] = {"bool",  "uint8",   "int8",     "int16",   "int32",
                                                 "int64", "float16", "bfloat16", "float32", "float64"};
  return names[int(type)];
}

DType promote(DType a, DType b) {
  if (a == b)
    return a;
  if (a > b)
    return promote(b, a);
  // a < b from here on; neither 16-bit float holds the other, and no 8-bit integer holds both signs and 255.
  if (a == DType::Float16 && b == DType::BFloat16)
    return DType::Float32;
  if (a == DType::UInt8 && b == DType::Int8)
    return DType::Int16;
  return b;
}

} // namespace weft
