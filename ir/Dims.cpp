#include "ir/Dims.h"

#include "ir/OpTable.h"

#include <algorithm>

namespace weft {

// ~size of a product: kProductBit, the constant from kConstantShift on, and a byte for each symbol, one more than its
// number, in order from the lowest byte on.
static constexpr int kSymbolBits = 8, kConstantShift = kSymbolBits * kMostFactors;
static constexpr int64_t kProductBit = int64_t(1) << 62, kSymbolMask = (1 << kSymbolBits) - 1;
static_assert((kMostFactor << kConstantShift) < kProductBit && kMostFactorSymbols <= kSymbolMask);

std::optional<int64_t> sizeProduct(int64_t constant, const Dims &symbols) {
  if (constant == 0 || symbols.empty())
    return constant;
  if (constant == 1 && symbols.size() == 1)
    return symbol(int(symbols[0]));
  Dims sorted = symbols;
  std::sort(sorted.begin(), sorted.end());
  if (constant > kMostFactor || sorted.size() > kMostFactors || sorted.back() >= kMostFactorSymbols)
    return std::nullopt;
  int64_t code = kProductBit | constant << kConstantShift;
  for (int i = 0; i < sorted.size(); ++i)
    code |= (sorted[i] + 1) << (i * kSymbolBits);
  return ~code;
}

std::optional<int64_t> sizeProduct(const Dims &sizes) {
  SizeFactors product;
  for (int64_t size : sizes) {
    SizeFactors factors = factorsOf(size);
    if (__builtin_mul_overflow(product.constant, factors.constant, &product.constant))
      return std::nullopt;
    for (int64_t symbol : factors.symbols)
      product.symbols.push_back(symbol);
  }
  return sizeProduct(product.constant, product.symbols);
}

SizeFactors factorsOf(int64_t size) {
  if (!isSymbol(size))
    return {size, {}};
  if (isPlainSymbol(size))
    return {1, {symbolIndex(size)}};
  SizeFactors factors{(~size & ~kProductBit) >> kConstantShift, {}};
  for (int i = 0; i < kMostFactors; ++i)
    if (int64_t byte = ~size >> (i * kSymbolBits) & kSymbolMask)
      factors.symbols.push_back(byte - 1);
  return factors;
}

int64_t evaluateSize(int64_t size, const int64_t *symbols) {
  SizeFactors factors = factorsOf(size);
  int64_t value = factors.constant;
  for (int64_t symbol : factors.symbols)
    value *= symbols[symbol];
  return value;
}

int64_t TypicalSizes::of(int64_t size) const {
  constexpr int64_t kMost = int64_t(1) << 40; // what is larger is as large, and leaves room for arithmetic
  SizeFactors factors = factorsOf(size);
  int64_t value = factors.constant;
  for (int64_t symbol : factors.symbols)
    if (__builtin_mul_overflow(value, symbol < int64_t(listed.size()) ? listed[size_t(symbol)] : any, &value))
      return kMost;
  return factors.symbols.empty() ? value : std::min(value, kMost);
}

bool isSizeCode(int64_t size) {
  if (!isSymbol(size) || isPlainSymbol(size))
    return isSymbol(size);
  SizeFactors factors = factorsOf(size);
  return sizeProduct(factors.constant, factors.symbols) == size;
}

std::string sizeText(int64_t size) {
  if (!isSymbol(size))
    return std::to_string(size);
  SizeFactors factors = factorsOf(size);
  std::string text = factors.constant == 1 ? "" : std::to_string(factors.constant);
  for (int64_t symbol : factors.symbols)
    text += (text.empty() ? "s" : "*s") + std::to_string(symbol);
  return text;
}

int64_t Dims::symbolicProduct() const {
  std::optional<int64_t> product = sizeProduct(*this);
  if (!product)
    fail(UserError::Kind::Runtime, "shape",
         "the number of elements of " + toString(*this) + " has more factors than a symbolic size has room for (" +
             std::to_string(kMostFactors) + " symbols, a constant below 2^30); compile it for this shape");
  return *product;
}

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
    out += sizeText(dims[i]);
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
