#include "codegen/cuda/IndexRanges.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;

namespace weft::cuda {

IndexRanges::IndexRanges(kernel::FuncOp func, const Launches &launches) {
  unsigned buffers = func.bufferCount();
  for (auto [i, range] : llvm::enumerate(launches.scalars))
    known[func.getArgument(buffers + unsigned(i))] = range;
  if (launches.tasks) {
    known[func.begin()] = launches.tasks;
    known[func.end()] = IndexRange{0, launches.tasks->most + 1};
  }
}

MaybeRange IndexRanges::of(Value value) {
  auto found = known.find(value);
  if (found != known.end())
    return found->second;
  MaybeRange range;
  if (auto argument = dyn_cast<BlockArgument>(value))
    range = ofArgument(argument);
  else if (value.getType().isIndex())
    range = ofResult(*value.getDefiningOp());
  return known[value] = range;
}

// The range of what runs from one value up to below another.
static MaybeRange between(MaybeRange lower, MaybeRange upper) {
  if (!lower || !upper)
    return std::nullopt;
  return IndexRange{lower->least, std::max(lower->least, upper->most - 1)};
}

MaybeRange IndexRanges::ofArgument(BlockArgument argument) {
  Operation *owner = argument.getOwner()->getParentOp();
  if (auto loop = dyn_cast<kernel::ForOp>(owner))
    return between(of(loop.getLower()), of(loop.getUpper()));
  if (auto reduce = dyn_cast<kernel::ReduceOp>(owner))
    return between(IndexRange{0, 0}, of(reduce.getUpper()));
  if (auto contract = dyn_cast<kernel::ContractOp>(owner))
    return argument.getArgNumber() == 0   ? between(of(contract.getRowBegin()), of(contract.getRowEnd()))
           : argument.getArgNumber() == 1 ? between(of(contract.getColumnBegin()), of(contract.getColumnEnd()))
                                          : std::nullopt;
  return std::nullopt;
}

MaybeRange IndexRanges::ofResult(Operation &op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    int64_t number = cast<IntegerAttr>(constant.getValue()).getInt();
    return IndexRange{number, number};
  }
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    MaybeRange a = of(select.getTrueValue()), b = of(select.getFalseValue());
    if (!a || !b)
      return std::nullopt;
    return IndexRange{std::min(a->least, b->least), std::max(a->most, b->most)};
  }
  if (op.getNumOperands() != 2)
    return std::nullopt;
  MaybeRange a = of(op.getOperand(0)), b = of(op.getOperand(1));
  if (!a || !b)
    return std::nullopt;
  IndexRange result{0, 0};
  if (isa<arith::AddIOp>(op)) {
    if (llvm::AddOverflow(a->least, b->least, result.least) || llvm::AddOverflow(a->most, b->most, result.most))
      return std::nullopt;
    return result;
  }
  if (isa<arith::SubIOp>(op)) {
    if (llvm::SubOverflow(a->least, b->most, result.least) || llvm::SubOverflow(a->most, b->least, result.most))
      return std::nullopt;
    return result;
  }
  bool positive = a->least >= 0 && b->least >= 0;
  if (isa<arith::MulIOp>(op) && positive) {
    if (llvm::MulOverflow(a->least, b->least, result.least) || llvm::MulOverflow(a->most, b->most, result.most))
      return std::nullopt;
    return result;
  }
  if (isa<arith::DivSIOp, arith::DivUIOp>(op) && positive && b->least > 0)
    return IndexRange{a->least / b->most, a->most / b->least};
  if (isa<arith::RemSIOp, arith::RemUIOp>(op) && positive && b->least > 0)
    return IndexRange{0, std::min(a->most, b->most - 1)};
  if (isa<arith::MinSIOp>(op) || (isa<arith::MinUIOp>(op) && positive))
    return IndexRange{std::min(a->least, b->least), std::min(a->most, b->most)};
  if (isa<arith::MaxSIOp>(op) || (isa<arith::MaxUIOp>(op) && positive))
    return IndexRange{std::max(a->least, b->least), std::max(a->most, b->most)};
  return std::nullopt;
}

} // namespace weft::cuda
