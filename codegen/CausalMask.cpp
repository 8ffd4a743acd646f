// What is known of a value's elements at hidden columns, by the ops that lead to it from `where(j <= i, scores, c)`.
// That a softmax is 0 there holds but for rows where it is NaN, and there it is NaN at all columns: sums over a row,
// which has column 0, come out the same, those over other rows would not.
#include "codegen/CausalMask.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace weft {
namespace {

struct Hidden {
  double value;
  bool always; // else NaN in rows where some element that is not hidden is NaN too
};

// The number that a float value holds everywhere.
std::optional<double> constantValue(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && (kindOf(op) == OpKind::Expand || kindOf(op) == OpKind::Reshape))
    op = op->getOperand(0).getDefiningOp();
  bool isConstant = op && kindOf(op) == OpKind::Full && isa<FloatType>(elementType(value));
  return isConstant ? std::optional<double>(floatOf(op, "value")) : std::nullopt;
}

class HiddenColumns {
public:
  explicit HiddenColumns(const AttentionParts &parts) : parts(parts) {}

  std::optional<Hidden> of(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || sizesOf(value) != parts.space)
      return {};
    switch (kindOf(op)) {
    case OpKind::Where: {
      std::optional<double> constant = constantValue(op->getOperand(2));
      return constant && isVisible(op->getOperand(0)) ? std::optional<Hidden>({*constant, true}) : std::nullopt;
    }
    case OpKind::Sub: {
      auto x = of(op->getOperand(0));
      bool minusMaximum = x && isInfinite(*x) && isRowReduction(op->getOperand(1), OpKind::Amax, op->getOperand(0));
      return minusMaximum ? std::optional<Hidden>({x->value, false}) : std::nullopt;
    }
    case OpKind::Exp: {
      auto x = of(op->getOperand(0));
      return x && x->value == -kInfinity ? std::optional<Hidden>({0.0, x->always}) : std::nullopt;
    }
    case OpKind::Div: {
      auto x = of(op->getOperand(0));
      bool bySum = x && isZero(*x) && isRowReduction(op->getOperand(1), OpKind::Sum, op->getOperand(0));
      return bySum ? std::optional<Hidden>({0.0, false}) : std::nullopt;
    }
    case OpKind::Mul:
      return product(op->getOperand(0), op->getOperand(1));
    case OpKind::Cast: {
      bool real = isa<FloatType>(elementType(value)) && isa<FloatType>(elementType(op->getOperand(0)));
      return real ? of(op->getOperand(0)) : std::nullopt;
    }
    default:
      return {};
    }
  }

  static bool isZero(const Hidden &x) { return x.value == 0 && !std::signbit(x.value); }
  static bool isInfinite(const Hidden &x) { return x.value == -kInfinity && x.always; }

private:
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const AttentionParts &parts;

  std::optional<Hidden> product(Value a, Value b) {
    auto x = of(a), y = of(b);
    if (x && y && isZero(*x) && isZero(*y))
      return Hidden{0.0, x->always && y->always};
    auto isPositive = [](std::optional<double> constant) { return constant && *constant > 0 && *constant < kInfinity; };
    if (x && isZero(*x) && isPositive(constantValue(b)))
      return x;
    return y && isZero(*y) && isPositive(constantValue(a)) ? y : std::nullopt;
  }

  // j <= i
  bool isVisible(Value condition) {
    Operation *op = condition.getDefiningOp();
    auto isIndex = [&](Value value, int dim) {
      Operation *iota = value.getDefiningOp();
      return iota && kindOf(iota) == OpKind::Iota && sizesOf(value) == parts.space && intAttr(iota, "dim") == dim;
    };
    return op && kindOf(op) == OpKind::Le && isIndex(op->getOperand(0), parts.batches + 1) &&
           isIndex(op->getOperand(1), parts.batches);
  }

  bool isRowReduction(Value value, OpKind kind, Value of) {
    Operation *op = value.getDefiningOp();
    while (op && (kindOf(op) == OpKind::Expand || kindOf(op) == OpKind::Reshape))
      op = op->getOperand(0).getDefiningOp();
    return op && kindOf(op) == kind && op->getOperand(0) == of;
  }
};

} // namespace

bool hidesLaterColumns(const Group &group, const AttentionParts &parts) {
  HiddenColumns hidden(parts);
  bool any = false;
  for (Operation *op : group.ops) {
    if (familyOf(op) != OpFamily::Reduction)
      continue;
    auto x = hidden.of(op->getOperand(0));
    bool same = x && ((kindOf(op) == OpKind::Amax && HiddenColumns::isInfinite(*x)) ||
                      (kindOf(op) == OpKind::Sum && HiddenColumns::isZero(*x)));
    if (!same)
      return false;
    any = true;
  }
  for (const ResultProduct &product : parts.outOf) {
    auto x = hidden.of(product.scores);
    if (!x || !HiddenColumns::isZero(*x) || (product.overRows && !x->always))
      return false;
  }
  return any;
}

} // namespace weft
