#include "codegen/plan/Size.h"
#include "ir/Dims.h"

#include <algorithm>

namespace weft {

Size Size::ofDim(int64_t dim) {
  if (!isSymbol(dim))
    return Size(dim);
  Size size;
  size.factors.push_back({symbolIndex(dim), 1});
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

int64_t Size::estimate(int64_t typical) const {
  int64_t value = constant;
  for (const Factor &factor : factors)
    value *= std::max<int64_t>(1, typical / factor.divide);
  return value;
}

Extent Size::extent() const {
  Extent extent(constant);
  for (const Factor &factor : factors)
    extent.factors.push_back({factor.symbol, 0, factor.divide});
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
  if (a.isStatic())
    return Size((a.constant + divide - 1) / divide);
  if (a.constant != 1 || a.factors.size() != 1 || a.factors[0].divide != 1)
    return std::nullopt;
  Size result = a;
  result.factors[0].divide = divide;
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
