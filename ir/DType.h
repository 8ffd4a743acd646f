// Element types, free of MLIR: the vocabulary that the front end, the graph and the op rules share.
#pragma once
#include <cstdint>

namespace weft {

// The order is the order of promotion within a category; the numeric values are part of the serialised graph.
enum class DType : uint8_t { Bool, UInt8, Int8, Int16, Int32, Int64, Float16, BFloat16, Float32, Float64 };
inline constexpr int kDTypeCount = 10;

// Bytes an element takes in memory (bool takes one).
int itemSize(DType type);
bool isFloat(DType type);
bool isSignedInt(DType type);
// Bool, unsigned and signed integers.
bool isIntegral(DType type);
// PyTorch's spelling: "float32", "bool", "int64", ...
const char *name(DType type);

// PyTorch's promotion of two tensor dtypes of the same category ("dimensioned" or not), see torch.promote_types.
DType promote(DType a, DType b);

} // namespace weft
