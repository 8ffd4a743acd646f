#include "ir/kernel/NarrowFloats.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace weft::kernel {

static constexpr int kDepth = 6; // of operations that are looked at

static std::optional<APFloat> constantOf(Operation *op) {
  auto constant = dyn_cast<arith::ConstantOp>(op);
  auto number = constant ? dyn_cast<FloatAttr>(constant.getValue()) : FloatAttr();
  return number ? std::optional<APFloat>(number.getValue()) : std::nullopt;
}

static bool isExactIn(Value wide, Type narrow, int depth) {
  Operation *op = wide.getDefiningOp();
  if (!op || depth == 0)
    return false;
  if (auto widened = dyn_cast<arith::ExtFOp>(op))
    return widened.getIn().getType() == narrow;
  if (std::optional<APFloat> number = constantOf(op)) {
    bool loses = false;
    number->convert(cast<FloatType>(narrow).getFloatSemantics(), APFloat::rmNearestTiesToEven, &loses);
    return !loses;
  }
  auto operands = isa<arith::SelectOp>(op) ? op->getOperands().drop_front() : op->getOperands();
  return isa<arith::SelectOp, arith::NegFOp, math::AbsFOp, arith::MaximumFOp, arith::MinimumFOp>(op) &&
         llvm::all_of(operands, [&](Value operand) { return isExactIn(operand, narrow, depth - 1); });
}

bool isExactIn(Value wide, Type narrow) { return isExactIn(wide, narrow, kDepth); }

static bool hasShortNan(Value wide, int depth) {
  Operation *op = wide.getDefiningOp();
  if (!op || depth == 0 || !wide.getType().isF32())
    return false;
  if (auto widened = dyn_cast<arith::ExtFOp>(op))
    return widened.getIn().getType().isBF16();
  if (std::optional<APFloat> number = constantOf(op))
    return !number->isNaN() || number->bitcastToAPInt().countr_zero() >= 16;
  auto operands = isa<arith::SelectOp>(op) ? op->getOperands().drop_front() : op->getOperands();
  return isa<arith::SelectOp, arith::NegFOp, math::AbsFOp, arith::MaximumFOp, arith::MinimumFOp, arith::AddFOp,
             arith::SubFOp, arith::MulFOp, arith::DivFOp, math::SqrtOp, math::FmaOp>(op) &&
         llvm::all_of(operands, [&](Value operand) { return hasShortNan(operand, depth - 1); });
}

bool hasShortNan(Value wide) { return hasShortNan(wide, kDepth); }

} // namespace weft::kernel
