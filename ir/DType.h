// Element types, free of MLIR: the vocabulary that the front end, the graph and the op rules share.
#pragma once
#include <cstdint>

namespace weft {

// The order is the order of promotion within a category; the numeric values are part of the serialised graph.
// The complex ones are the front end's alone: a graph has a real tensor of pairs in their place, by a last axis of 2.
enum class DType : uint8_t {
  Bool,
  UInt8,
  UInt16,
  UInt32,
  UInt64,
  Int8,
  Int16,
  Int32,
  Int64,
  Float16,
  BFloat16,
  Float32,
  Float64,
  Complex64,
  Complex128
};
inline constexpr int kDTypeCount = 15;

// Bytes an element takes in memory (bool takes one).
int itemSize(DType type);
bool isFloat(DType type); // real
inline bool isComplex(DType type) { return type >= DType::Complex64; }
// The dtype of the parts of a complex one, and the complex one whose parts hold a float; itself where there is none.
DType partOf(DType type);
DType complexOf(DType type);
bool isSignedInt(DType type);
bool isUnsignedInt(DType type);
// Bool, unsigned and signed integers.
bool isIntegral(DType type);
// PyTorch's spelling: "float32", "bool", "int64", ...
const char *name(DType type);

// PyTorch's promotion of two tensor dtypes of the same category ("dimensioned" or not), see torch.promote_types.
// Integers become one that holds both; throws UserError where there is none, of uint64 and a signed one.
DType promote(DType a, DType b);

} // namespace weft
