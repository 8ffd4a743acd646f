#include "codegen/schedule/Flops.h"
#include "ir/OpAccess.h"

using namespace mlir;

namespace weft {

static Size elements(Value value) { return product(sizesOf(value)); }

static Size elementsAlong(Value value, const Dims &axes) {
  Sizes sizes = sizesOf(value);
  Size result;
  for (int64_t axis : axes)
    result = result * sizes[size_t(axis)];
  return result;
}

static Size flopsOf(Operation *op) {
  Value result = op->getResult(0);
  switch (familyOf(op)) {
  case OpFamily::Elementwise:
    return elements(result);
  case OpFamily::Reduction:
  case OpFamily::Scan:
    return elements(op->getOperand(0));
  case OpFamily::Contraction:
    return Size(2) * elements(result) * elementsAlong(op->getOperand(0), intsOf(op, "lhs_contract"));
  case OpFamily::Convolution: {
    // An element of the images times one of the windows' matrix: all of the weight but its first axis.
    bool ofWeight = kindOf(op) == OpKind::ConvGeneralWeight;
    Sizes weight = sizesOf(ofWeight ? result : op->getOperand(1));
    return Size(2) * elements(ofWeight ? op->getOperand(1) : result) * product(weight, 1, int(weight.size()));
  }
  case OpFamily::Segments:
    return elements(op->getOperand(1)) * sizesOf(result).back();
  default:
    return Size(0);
  }
}

std::vector<Extent> flopsOf(const Group &group) {
  std::map<std::vector<Size::Factor>, int64_t> terms;
  for (Operation *op : group.ops) {
    if (!isa<FloatType>(elementType(op->getResult(0))))
      continue;
    Size flops = flopsOf(op);
    if (flops.constant && flops.factors.size() <= WEFT_MAX_FACTORS)
      terms[flops.factors] += flops.constant;
  }
  std::vector<Extent> result;
  for (auto &[factors, constant] : terms) {
    Size term(constant);
    term.factors = factors;
    result.push_back(term.extent());
  }
  return result;
}

void countFlops(Lowering &lowering, const Group &group, size_t first) {
  auto begin = lowering.steps.begin() + ptrdiff_t(first);
  auto doesMost = std::max_element(begin, lowering.steps.end(), [](const PlannedStep &a, const PlannedStep &b) {
    return a.arithmetic < b.arithmetic;
  });
  if (doesMost != lowering.steps.end())
    doesMost->flops = flopsOf(group);
}

} // namespace weft
