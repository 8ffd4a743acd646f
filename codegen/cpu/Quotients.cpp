// Quotients of many numbers by one, as of softmax's exponentials by their sum. AVX-512 divides 16 numbers in ten
// cycles. With the reciprocal of the divisor three operations, which take two, give the same bits:
//
//   r = 1 / s,  q = x r,  e = x - q s (fused),  x / s = q + e r (fused)
//
// (P. Markstein, Computation of elementary functions on the IBM RISC System/6000 processor, 1990), as long as nothing
// on the way overflows or is subnormal. To see it, let x and s be in [1, 2), p the bits of a number, u the last place
// of x / s. r is off by 2^-p / 2 at most, so q by less than u where x >= s, and by less than 1.5 u where x < s.
// - Let x / s be nearly half of u away from q. It cannot be exactly that, so e, a multiple of 2^(1-p) u, differs from
//   s u / 2 by 2^-p u or more. And e r falls on the same side of u / 2: by the error of r, u / 2 is moved by
//   s u 2^-p / 4, which is less than the r 2^-p u of the former since r >= 1/2.
// - Let x < s and x / s be nearly 1.5 u away from q. It is (2 - x) u / 2 short of that at least, or (i + j) 2^-p u with
//   s = 2 - j 2^(1-p) and x = s - i 2^(1-p). The errors of e, which may need one bit more than p, and of r are less
//   than 2.6 2^-p u together, so i + j >= 3 suffices; for i = j = 1 the result is right, too.
// (Also found so for all pairs of numbers of 3 to 11 bits, and in float32 for all x with 107,574 divisors, those next
// to 1 and to 2 among them.)
#include "codegen/cpu/KernelWriter.h"

#include "llvm/IR/MDBuilder.h"

using namespace llvm;
namespace arith = mlir::arith;

namespace weft::cpu {

// Whether the divisor is known before the loop over lanes. A long body, as of an optimizer's step, has other things to
// do while it divides.
bool KernelWriter::dividesByOne(mlir::Operation *op) const {
  auto divide = mlir::dyn_cast<arith::DivFOp>(op);
  if (!divide || divide.getType().isF64() || target.vectorBytes != 64 || isLong(*op->getBlock()))
    return false;
  return divide.getRhs().getParentBlock() != op->getBlock() || divide.getRhs().getDefiningOp<arith::ConstantOp>();
}

// Numbers outside the ranges for which the above holds are divided: if |s| is in [2^-32, 2^32] and |x / s| >= 2^-64,
// then |x| >= 2^-96, and e is no subnormal number; what overflows ends as NaN. NaNs are thus among what is divided, and
// become the one NaN of results there, not as they are stored. (Softmax of 4096 x 1024 takes 0.93 of the time so.)
Value *KernelWriter::quotientsByOne(arith::DivFOp op) {
  Type *real = b.getFloatTy();
  auto magnitude = [&](Value *value) { return b.CreateUnaryIntrinsic(Intrinsic::fabs, value); };
  Value *s = widen(scalar(op.getRhs()), op.getType()), *size = magnitude(s);
  Value *inRange = b.CreateAnd(b.CreateFCmpOGE(size, ConstantFP::get(real, 0x1p-32)),
                               b.CreateFCmpOLE(size, ConstantFP::get(real, 0x1p32)));
  Value *reciprocal = b.CreateSelect(inRange, b.CreateFDiv(ConstantFP::get(real, 1), s), ConstantFP::getNaN(real));

  Value *x = widen(vector(op.getLhs()), op.getType());
  Value *divisor = b.CreateVectorSplat(lanes, s), *r = b.CreateVectorSplat(lanes, reciprocal);
  Value *q = b.CreateFMul(x, r);
  Value *e = multiplyAdd(b.CreateFNeg(q), divisor, x);
  Value *quotient = multiplyAdd(e, r, q);
  Value *exact = nullptr;
  for (Value *part : registersOf(quotient)) {
    Value *large = b.CreateFCmpOGE(magnitude(part), ConstantFP::get(part->getType(), 0x1p-64));
    exact = exact ? b.CreateAnd(exact, large) : large;
  }
  BasicBlock *before = b.GetInsertBlock();
  quotient = branch(b.CreateNot(b.CreateAndReduce(exact)), {quotient}, [&](const Carried &) {
    Value *divided = b.CreateFDiv(x, divisor);
    Value *nan = ConstantFP::getNaN(divided->getType());
    return Carried{select(b.CreateFCmpUNO(divided, divided), nan, divided)};
  })[0];
  before->getTerminator()->setMetadata(LLVMContext::MD_prof,
                                       MDBuilder(module.getContext()).createUnlikelyBranchWeights());
  ofOneNan.insert(quotient);
  return narrow(quotient, op.getType());
}

} // namespace weft::cpu
