#include "codegen/plan/Size.h"
#include "ir/OpTable.h"

#include <algorithm>
#include <numeric>

namespace weft {

Size Size::ofDim(int64_t dim) {
  if (!isSymbol(dim))
    return Size(dim);
  SizeFactors factors = factorsOf(dim);
  Size size(factors.constant);
  for (int64_t index : factors.symbols)
    size.factors.push_back({symbol(int(index)), 1});
  return size;
}

Size Size::operator*(const Size &o) const {
  Size result(constant * o.constant);
  if (result.constant == 0)
    return result;
  result.factors = factors;
  result.factors.insert(result.factors.end(), o.factors.begin(), o.factors.end());
  std::sort(result.factors.begin(), result.factors.end());
  return result;
}

int64_t Size::estimate(const TypicalSizes &typical) const {
  constexpr int64_t kMost = int64_t(1) << 40; // what is larger is as large, and leaves room for arithmetic
  int64_t value = constant;
  for (const Factor &factor : factors)
    if (__builtin_mul_overflow(value, std::max<int64_t>(1, typical.of(factor.size) / factor.divide), &value))
      return kMost;
  return isStatic() ? value : std::min(value, kMost);
}

Extent Size::extent() const {
  Extent extent(constant);
  auto add = [&](int64_t symbol, int64_t divide) { extent.factors.push_back({int32_t(symbol), 0, divide}); };
  for (const Factor &factor : factors) {
    SizeFactors divided = factorsOf(factor.size);
    if (divided.constant != 1)
      add(-divided.constant, 0);
    for (int64_t symbol : divided.symbols)
      add(symbol, 0);
    extent.factors.back().divide = factor.divide;
  }
  if (extent.factors.size() > WEFT_MAX_FACTORS)
    fail(UserError::Kind::Runtime, "compile",
         "a size of the program is a product of more than " + std::to_string(WEFT_MAX_FACTORS) +
             " symbols; compile it for this shape");
  return extent;
}

std::optional<Size> divideExactly(const Size &a, const Size &b) {
  if (b.constant == 0 || a.constant % b.constant != 0)
    return std::nullopt;
  Size result(a.constant / b.constant);
  result.factors = a.factors;
  for (const Size::Factor &factor : b.factors) {
    auto at = std::find(result.factors.begin(), result.factors.end(), factor);
    if (at == result.factors.end())
      return std::nullopt;
    result.factors.erase(at);
  }
  return result;
}

std::optional<Size> ceilDivide(const Size &a, int64_t divide) {
  if (a.constant % divide == 0) {
    Size result = a;
    result.constant /= divide;
    return result;
  }
  if (a.isStatic())
    return Size((a.constant + divide - 1) / divide);
  int64_t common = std::gcd(a.constant, divide);
  Dims symbols;
  for (const Size::Factor &factor : a.factors) {
    if (factor.divide != 1 || symbols.size() == kMostFactors)
      return std::nullopt;
    symbols.push_back(symbolIndex(factor.size));
  }
  std::optional<int64_t> size = sizeProduct(a.constant / common, symbols);
  if (!size)
    return std::nullopt;
  Size result;
  result.factors.push_back({*size, divide / common});
  return result;
}

Size product(const Sizes &sizes, int first, int end) {
  Size result;
  for (int i = first; i < end; ++i)
    result = result * sizes[i];
  return result;
}

Sizes rowMajorStrides(const Sizes &shape) {
  Sizes strides(shape.size());
  Size stride;
  for (int i = int(shape.size()) - 1; i >= 0; --i) {
    strides[i] = stride;
    if (!shape[i].is(0))
      stride = stride * shape[i];
  }
  return strides;
}

} // namespace weft
