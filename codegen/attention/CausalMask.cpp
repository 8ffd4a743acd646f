// What is known of a value's elements at hidden columns, by the ops that lead to it from `where(j <= i, scores, c)`.
// That a softmax is 0 there holds but for rows where it is NaN, and there it is NaN at all columns: sums over a row,
// which has column 0, come out the same, those over other rows would not.
#include "codegen/attention/CausalMask.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace weft {
namespace {

struct Hidden {
  double value;
  bool always; // else NaN in rows where some element that is not hidden is NaN too
};

// What makes a value's elements, before they are repeated or given axes; null for an input.
Operation *makerOf(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && (kindOf(op) == OpKind::Expand || kindOf(op) == OpKind::Reshape))
    op = op->getOperand(0).getDefiningOp();
  return op;
}

// The number that a float value holds everywhere.
std::optional<double> constantValue(Value value) {
  Operation *op = makerOf(value);
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
    switch (kindOf(op)) { // named: it is the softmax that is looked for, op by op
    case OpKind::Where: {
      std::optional<bool> hides = hidesWhereTrue(op->getOperand(0));
      auto constant = hides ? constantValue(op->getOperand(*hides ? 1 : 2)) : std::nullopt;
      return constant ? std::optional<Hidden>({*constant, true}) : std::nullopt;
    }
    case OpKind::Sub: {
      auto x = of(op->getOperand(0));
      if (auto constant = constantValue(op->getOperand(1)); x && constant)
        return sum(value, *x, -*constant);
      bool minusMaximum = x && isInfinite(*x) && isRowMaximum(op->getOperand(1), op->getOperand(0));
      return minusMaximum ? std::optional<Hidden>({x->value, false}) : std::nullopt;
    }
    case OpKind::Add: {
      auto x = of(op->getOperand(0));
      auto constant = constantValue(op->getOperand(1));
      return x && constant ? sum(value, *x, *constant) : std::nullopt;
    }
    case OpKind::Exp: {
      auto x = of(op->getOperand(0));
      return x && x->value == -kInfinity ? std::optional<Hidden>({0.0, x->always}) : std::nullopt;
    }
    case OpKind::Div: {
      auto x = of(op->getOperand(0));
      Value divisor = op->getOperand(1);
      bool bySum =
          x && isZero(*x) && (isRowReduction(divisor, OpKind::Sum, op->getOperand(0)) || isPositiveOfRow(divisor));
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

  // Whether a condition is j > i (true), or j <= i (false).
  std::optional<bool> hidesWhereTrue(Value condition) {
    Operation *op = condition.getDefiningOp();
    while (op && kindOf(op) == OpKind::Expand)
      op = op->getOperand(0).getDefiningOp();
    if (!op || op->getNumOperands() != 2 || sizesOf(op->getResult(0)).size() < 2)
      return {};
    auto compares = [&](int left, int right) {
      return isIndex(op->getOperand(0), left) && isIndex(op->getOperand(1), right);
    };
    int relation = infoOf(op).traits.relation;
    if ((relation == (kLess | kEqual) && compares(0, 1)) || (relation == (kGreater | kEqual) && compares(1, 0)))
      return false;
    if ((relation == kGreater && compares(0, 1)) || (relation == kLess && compares(1, 0)))
      return true;
    return {};
  }

  // Whether the value's elements are their numbers along an axis, counted from the last.
  static bool isIndex(Value value, int fromLast) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    Sizes shape = sizesOf(value);
    int axis = int(shape.size()) - 1 - fromLast;
    if (axis < 0 || shape[axis].is(1))
      return false;
    if (kindOf(op) == OpKind::Iota)
      return intAttr(op, "dim") == axis;
    if (kindOf(op) == OpKind::Expand)
      return isIndex(op->getOperand(0), fromLast);
    if (kindOf(op) != OpKind::Reshape)
      return false;
    // Of a vector that has been given axes of size 1.
    Sizes from = sizesOf(op->getOperand(0));
    return from.size() == 1 && from[0] == shape[axis] && isIndex(op->getOperand(0), 0);
  }

  // x plus a number, as float64 adds them.
  static std::optional<Hidden> sum(Value result, const Hidden &x, double number) {
    return elementType(result).isF64() ? std::optional<Hidden>({x.value + number, x.always}) : std::nullopt;
  }

  // The operand of a maximum with a number for which `isBound` holds, else the value's maker itself.
  template <class Fn> static Operation *overBound(Value value, Fn isBound) {
    Operation *op = makerOf(value);
    if (op && kindOf(op) == OpKind::Maximum)
      if (auto constant = constantValue(op->getOperand(1)); constant && isBound(*constant))
        return makerOf(op->getOperand(0));
    return nullptr;
  }
  static bool isRowMaximum(Value value, Value of) {
    Operation *bounded = overBound(value, [](double bound) { return bound < kInfinity; });
    return isRowReduction(value, OpKind::Amax, of) ||
           (bounded && isRowReduction(bounded->getResult(0), OpKind::Amax, of));
  }
  // Whether a value of the row is positive or NaN.
  bool isPositiveOfRow(Value value) const {
    Operation *op = makerOf(value);
    return op && overBound(value, [](double bound) { return bound > 0; }) && sizesOf(op->getResult(0)).back().is(1);
  }

  static bool isRowReduction(Value value, OpKind kind, Value of) {
    Operation *op = makerOf(value);
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
