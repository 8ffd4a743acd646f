#include "ir/Dims.h"

#include "ir/OpTable.h"

namespace weft {

void Dims::grow() {
  if (count == kMaxRank)
    fail(UserError::Kind::Runtime, "shape", "tensors have at most " + std::to_string(kMaxRank) + " dimensions");
  if (values == local)
    allocate();
}

void Dims::allocate() {
  values = new int64_t[kMaxRank];
  std::memcpy(values, local, sizeof local);
}

void Dims::deallocate() { delete[] values; }

std::string toString(const Dims &dims) {
  std::string out = "[";
  for (int i = 0; i < dims.size(); ++i) {
    if (i)
      out += ", ";
    out += isSymbol(dims[i]) ? "s" + std::to_string(symbolIndex(dims[i])) : std::to_string(dims[i]);
  }
  return out + "]";
}

std::string toStringAsGiven(const Dims &dims) {
  std::string out = "[";
  for (int i = 0; i < dims.size(); ++i)
    out += (i ? ", " : "") + std::to_string(dims[i]);
  return out + "]";
}

bool isAddressable(const Dims &shape, int64_t itemBytes) {
  int64_t bytes = itemBytes;
  for (int64_t size : shape)
    if (__builtin_mul_overflow(bytes, size > 1 ? size : 1, &bytes))
      return false;
  return bytes <= int64_t(1) << 62;
}

Dims contiguousStrides(const Dims &shape) {
  Dims strides(shape.size(), 1);
  for (int i = shape.size() - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * (shape[i + 1] > 1 ? shape[i + 1] : 1);
  return strides;
}

} // namespace weft
