// Floating-point remainders, exact whatever the quotient.
//
// A step takes the rounded quotient off by a fused multiply-add. What remains is a multiple of the divisor's last place
// no longer than its significand, so the step is exact: below the divisor, or 52 bits shorter than it was where the
// quotient is longer than a significand, and negative where the quotient was rounded up. One step in float64 is enough
// for quotients below 2^53; if it was not for a vector, steps are repeated until it is.
#include "codegen/cpu/KernelWriter.h"

#include "llvm/IR/MDBuilder.h"

using namespace llvm;

namespace weft::cpu {

// C's fmod of two vectors or scalars of f32 or f64.
Value *KernelWriter::remainder(Value *dividend, Value *by) {
  Type *given = dividend->getType(), *wide = given->getWithNewType(b.getDoubleTy());
  auto number = [&](double value) { return ConstantFP::get(wide, value); };
  auto magnitude = [&](Value *value) { return b.CreateUnaryIntrinsic(Intrinsic::fabs, value); };
  Value *x = b.CreateFPExt(dividend, wide), *size = magnitude(x), *divisor = magnitude(b.CreateFPExt(by, wide));
  auto step = [&](Value *rest, Value *quotient, Value *unit) {
    Value *whole = b.CreateUnaryIntrinsic(Intrinsic::trunc, quotient);
    return b.CreateIntrinsic(Intrinsic::fma, {wide}, {b.CreateFNeg(whole), unit, rest});
  };
  auto anyAbove = [&](Value *rest) {
    Value *above = b.CreateFCmpOGE(magnitude(rest), divisor);
    return above->getType()->isVectorTy() ? b.CreateOrReduce(above) : above;
  };

  Value *first = step(size, b.CreateFDiv(size, divisor), divisor);
  BasicBlock *before = b.GetInsertBlock();
  Value *rest = branch(anyAbove(first), {first}, [&](const Carried &) {
    BasicBlock *enter = b.GetInsertBlock(), *again = BasicBlock::Create(module.getContext(), "remainder", function);
    BasicBlock *done = BasicBlock::Create(module.getContext(), "below", function);
    b.CreateBr(again);
    b.SetInsertPoint(again);
    PHINode *current = b.CreatePHI(wide, 2);
    current->addIncoming(size, enter);
    // Where the quotient passes the largest double, a multiple of the divisor, which is then small, goes first.
    Value *unit = divisor, *quotient = b.CreateFDiv(current, divisor);
    for (double factor : {0x1p1000, 0x1p100}) {
      Value *passes = b.CreateFCmpOEQ(magnitude(quotient), ConstantFP::getInfinity(wide));
      unit = b.CreateSelect(passes, b.CreateFMul(unit, number(factor)), unit);
      quotient = b.CreateSelect(passes, b.CreateFDiv(current, unit), quotient);
    }
    Value *next = step(current, quotient, unit);
    current->addIncoming(next, b.GetInsertBlock());
    b.CreateCondBr(anyAbove(next), again, done);
    b.SetInsertPoint(done);
    return Carried{next};
  })[0];
  before->getTerminator()->setMetadata(LLVMContext::MD_prof,
                                       MDBuilder(module.getContext()).createUnlikelyBranchWeights());
  rest = b.CreateSelect(b.CreateFCmpOLT(rest, number(0)), b.CreateFAdd(rest, divisor), rest);
  rest = b.CreateSelect(b.CreateFCmpOLT(size, divisor), size, rest); // an infinite divisor, too
  return b.CreateFPTrunc(copySign(rest, x), given);
}

} // namespace weft::cpu
