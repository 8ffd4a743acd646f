// Sizes and strides as products of a constant and symbols: enough for every row-major stride and every count of blocks
// that a schedule needs, exact to compare, and what the run time evaluates (Extent) before it launches a step.
#pragma once
#include "codegen/plan/Plan.h"
#include "ir/Dims.h"

#include <optional>
#include <vector>

namespace weft {

class Size {
public:
  struct Factor {
    int64_t size;   // as in ir/Dims.h: a symbol, or what is divided, which may be a product
    int64_t divide; // the factor is ceil(size / divide)
    bool operator==(const Factor &o) const { return size == o.size && divide == o.divide; }
    bool operator<(const Factor &o) const { return size != o.size ? size > o.size : divide < o.divide; }
  };
  int64_t constant = 1;
  std::vector<Factor> factors; // sorted

  Size() = default;
  Size(int64_t constant) : constant(constant) {}
  // A size or stride as ir/Dims.h writes it: negative numbers are symbols, or products of some.
  static Size ofDim(int64_t dim);

  bool isStatic() const { return factors.empty(); }
  bool is(int64_t value) const { return isStatic() && constant == value; }
  bool operator==(const Size &o) const { return constant == o.constant && factors == o.factors; }
  bool operator!=(const Size &o) const { return !(*this == o); }
  bool operator<(const Size &o) const { return constant != o.constant ? constant < o.constant : factors < o.factors; }
  Size operator*(const Size &o) const;
  // The size to reckon with in a cost.
  int64_t estimate(const TypicalSizes &typical) const;
  // Throws UserError where it has more factors than the run time takes.
  Extent extent() const;
};

// a / b where b divides a symbol by symbol; nothing otherwise.
std::optional<Size> divideExactly(const Size &a, const Size &b);
// ceil(a / divide), where an Extent can say it: `a` is a number or a size of ir/Dims.h.
std::optional<Size> ceilDivide(const Size &a, int64_t divide);

using Sizes = std::vector<Size>;
Size product(const Sizes &sizes, int first, int end);
inline Size product(const Sizes &sizes) { return product(sizes, 0, int(sizes.size())); }
Sizes rowMajorStrides(const Sizes &shape);

} // namespace weft
