// How the body of a lane loop is written. An operation waits four cycles for the one before, and the processor looks
// ahead by some hundred operations only. So a long body handles vectors side by side: four of them where it is a chain,
// as a polynomial is, and else two, with what it computes apart, the sigmoid of x and the tanh of y, interleaved.
// (Nanoseconds for 16 elements: GELU takes 12.9, 10.2 and 8.5 with one, two and four vectors; x * sigmoid(x) +
// tanh(y) / 2 - exp(-x * x) takes 27.2 with two vectors in the order of the source and 22.7 interleaved.)
#include "codegen/cpu/KernelWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace llvm;
namespace arith = mlir::arith;
namespace math = mlir::math;

namespace weft::cpu {

// Whether a body under a mask should be written but once.
bool KernelWriter::isLong(mlir::Block &body) const {
  constexpr int kLongBody = 20;
  int count = 0;
  for (mlir::Operation &op : body)
    count += op.getNumRegions() ? kLongBody : !mlir::isa<arith::ConstantOp>(op);
  return target.vectorBytes == 64 && count > kLongBody;
}

// About how many cycles an operation takes.
static int latency(mlir::Operation &op) {
  if (op.getNumResults() == 0 || mlir::isa<arith::ConstantOp>(op))
    return 0;
  if (mlir::isa<arith::DivFOp, math::SqrtOp>(op))
    return 20;
  bool isMove = mlir::isa<arith::SelectOp, arith::BitcastOp, arith::NegFOp, math::AbsFOp, math::CopySignOp>(op);
  return !isMove && mlir::isa<mlir::FloatType>(op.getResult(0).getType()) ? 4 : 1;
}

// The cycles from the beginning of each operation to the end of the body.
static DenseMap<mlir::Operation *, int> cyclesToEnd(mlir::Block &body) {
  DenseMap<mlir::Operation *, int> cycles;
  for (mlir::Operation &op : reverse(body)) {
    int own = cycles[&op] += latency(op);
    for (mlir::Value operand : op.getOperands())
      if (mlir::Operation *maker = operand.getDefiningOp(); maker && maker->getBlock() == &body)
        cycles[maker] = std::max(cycles[maker], own);
  }
  return cycles;
}

// Whether the operations of a vector leave the units idle for more than half of the time that they take.
static bool isChain(const DenseMap<mlir::Operation *, int> &cycles) {
  constexpr int kUnits = 2;
  int busy = 0, longest = 0;
  for (auto [op, toEnd] : cycles) {
    busy += toEnd && latency(*op);
    longest = std::max(longest, toEnd);
  }
  return 2 * busy < kUnits * longest / 2;
}

// The body's operations in the order in which they are to be written: those first from which it is farthest to the end.
// Stores are last, as they are in bodies that this is for: no load comes after one.
SmallVector<mlir::Operation *> KernelWriter::inOrder(mlir::Block &body) const {
  SmallVector<mlir::Operation *> order;
  bool stored = false, keeps = !inLanes() || !isLong(body);
  for (mlir::Operation &op : body) {
    order.push_back(&op);
    stored |= mlir::isa<kernel::StoreOp>(op);
    keeps |= op.getNumRegions() || (stored && mlir::isa<kernel::LoadOp>(op));
  }
  if (keeps)
    return order;
  DenseMap<mlir::Operation *, int> cycles = cyclesToEnd(body);
  if (isChain(cycles))
    return order;
  std::vector<std::pair<int, int>> keys;
  for (auto [i, op] : enumerate(order))
    keys.push_back({-cycles.lookup(op), int(i)});
  sort(keys);
  SmallVector<mlir::Operation *> interleaved;
  for (auto [toEnd, i] : keys)
    interleaved.push_back(order[i]);
  return interleaved;
}

// How many elements an iteration handles.
int KernelWriter::lanesFor(mlir::Block &body, Value *count) const {
  auto isNarrow = [](mlir::Operation &op) {
    return op.getNumRegions() == 0 && all_of(op.getResultTypes(), [](mlir::Type type) {
             return type.isIntOrFloat() && type.getIntOrFloatBitWidth() <= 32;
           });
  };
  auto isLinear = [](mlir::Operation &op) {
    return mlir::isa<arith::ConstantOp, arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::IndexCastOp>(op);
  };
  bool divides = any_of(body, [&](mlir::Operation &op) { return dividesByOne(&op); });
  if (!(divides || isLong(body)) || !all_of(body, [&](mlir::Operation &op) { return isNarrow(op) || isLinear(op); }))
    return kLanes;
  auto *known = dyn_cast<ConstantInt>(count);
  auto fits = [&](int lanes) {
    return !known || known->getSExtValue() % lanes == 0 || known->getSExtValue() > 4 * lanes;
  };
  if (fits(kMostLanes) && (divides || isChain(cyclesToEnd(body))))
    return kMostLanes;
  return !divides && fits(2 * kLanes) ? 2 * kLanes : kLanes;
}

} // namespace weft::cpu
