// Integer division, which needs care: it traps on some operands, and there is no vector instruction for it.
#include "codegen/cpu/KernelWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace llvm;
namespace arith = mlir::arith;

namespace weft::cpu {

// Division that cannot trap: by zero gives zero, the smallest integer by -1 wraps.
Value *KernelWriter::divide(mlir::Operation *op, Value *x, Value *y) {
  Type *type = x->getType();
  Value *zero = ConstantInt::get(type, 0), *one = ConstantInt::get(type, 1);
  bool isSigned = mlir::isa<arith::DivSIOp, arith::RemSIOp, arith::FloorDivSIOp>(op);
  bool remainder = mlir::isa<arith::RemSIOp, arith::RemUIOp>(op);
  if (auto *known = dyn_cast<Constant>(y)) {
    Constant *number = type->isVectorTy() ? known->getSplatValue() : known;
    auto *integer = dyn_cast_or_null<ConstantInt>(number);
    if (integer && !integer->isZero() && !integer->isMinusOne() && !mlir::isa<arith::FloorDivSIOp>(op)) {
      if (remainder)
        return isSigned ? b.CreateSRem(x, y) : b.CreateURem(x, y);
      return isSigned ? b.CreateSDiv(x, y) : b.CreateUDiv(x, y);
    }
  }
  Value *isZero = b.CreateICmpEQ(y, zero), *unsafe = isZero, *isMinusOne = nullptr;
  if (isSigned) {
    isMinusOne = b.CreateICmpEQ(y, Constant::getAllOnesValue(type));
    unsafe = b.CreateOr(isZero, isMinusOne);
  }
  Value *divisor = b.CreateSelect(unsafe, one, y);
  Value *quotient;
  if (remainder) // by 1, which stands for 0 and -1, it is 0 already
    return isSigned ? b.CreateSRem(x, divisor) : b.CreateURem(x, divisor);
  quotient = isSigned ? b.CreateSDiv(x, divisor) : b.CreateUDiv(x, divisor);
  if (mlir::isa<arith::FloorDivSIOp>(op)) {
    Value *rest = b.CreateSub(x, b.CreateMul(quotient, divisor));
    Value *lower = b.CreateAnd(b.CreateICmpNE(rest, zero), b.CreateICmpSLT(b.CreateXor(rest, divisor), zero));
    quotient = b.CreateSelect(lower, b.CreateSub(quotient, one), quotient);
  }
  if (isMinusOne)
    quotient = b.CreateSelect(isMinusOne, b.CreateNeg(x), quotient);
  return b.CreateSelect(isZero, zero, quotient);
}

// Quotients and remainders of indices that differ from lane to lane. There is no vector instruction for 64-bit
// integers.
Value *KernelWriter::divideIndices(mlir::Operation *op) {
  Lanes x = get(op->getOperand(0)), y = get(op->getOperand(1));
  bool remainder = mlir::isa<arith::RemUIOp>(op);
  auto splat = [&](Value *value) { return b.CreateVectorSplat(lanes, value); };
  auto *stride = x.kind == Lanes::Linear ? dyn_cast<ConstantInt>(x.stride) : nullptr;
  auto *divisor = y.kind == Lanes::Uniform ? dyn_cast<ConstantInt>(y.value) : nullptr;
  if (stride && divisor && stride->getSExtValue() > 0 &&
      (lanes - 1) * stride->getSExtValue() < divisor->getSExtValue()) {
    // From one lane to the last the quotient grows by one at most: where the remainder of lane 0 and the steps reach
    // the divisor. The first lanes may lie before the beginning of what is read, such as a later operand of a
    // concatenation: they are masked, but the others count from their negative index.
    Value *rest = b.CreateSRem(x.value, divisor);
    Value *first = b.CreateSelect(b.CreateICmpSLT(rest, b.getInt64(0)), b.CreateAdd(rest, divisor), rest);
    Value *reached = vector(Lanes::linear(first, stride)), *limit = splat(divisor);
    Value *next = b.CreateICmpUGE(reached, limit);
    if (remainder)
      return b.CreateSelect(next, b.CreateSub(reached, limit), reached);
    Value *quotient = b.CreateSDiv(b.CreateSub(x.value, first), divisor);
    return b.CreateAdd(splat(quotient), b.CreateZExt(next, limit->getType()));
  }
  Value *dividend = vector(x), *by = vector(y);
  if (target.vectorBytes != 64)
    return remainder ? b.CreateURem(dividend, by) : b.CreateUDiv(dividend, by);
  // In float64, which is exact for indices below 2^53: x / y is no nearer to an integer above it than 1 / y.
  Type *real = vectorType(b.getDoubleTy());
  Value *ratio = b.CreateFDiv(b.CreateSIToFP(dividend, real), b.CreateSIToFP(by, real));
  Value *quotient = b.CreateFPToSI(ratio, dividend->getType());
  return remainder ? b.CreateSub(dividend, b.CreateMul(quotient, by)) : quotient;
}

} // namespace weft::cpu
