// The order of pairs of a product of bf16 (ir/kernel/KernelOps.td), in which no number is subnormal. vdpbf16ps computes
// it whatever the mode. Without it x86-64 multiplies and adds in a mode that gives zeros for what is subnormal after
// rounding. AArch64's such mode asks before rounding, so there a second multiply-add tells, of numbers 2^64 times as
// large.
#include "codegen/cpu/KernelWriter.h"

#include "llvm/IR/IntrinsicsX86.h"

using namespace llvm;

namespace weft::cpu {

Value *KernelWriter::dotAdd(Value *x, Value *y, Value *sum) {
  auto *type = cast<FixedVectorType>(x->getType());
  auto *pairs = FixedVectorType::get(b.getBFloatTy(), 2 * type->getNumElements());
  return b.CreateIntrinsic(Intrinsic::x86_avx512bf16_dpbf16ps_512, {},
                           {sum, b.CreateBitCast(x, pairs), b.CreateBitCast(y, pairs)});
}

Value *KernelWriter::flushSubnormals() {
  if (!target.architecture->triple.isX86())
    return nullptr;
  constexpr int kFlushAndZero = 0x8040; // of MXCSR: results, and operands
  AllocaInst *memory = stackArray(b.getInt32Ty(), 2);
  Value *found = memory, *set = b.CreateConstGEP1_64(b.getInt32Ty(), memory, 1);
  b.CreateIntrinsic(Intrinsic::x86_sse_stmxcsr, {}, {found});
  b.CreateStore(b.CreateOr(b.CreateLoad(b.getInt32Ty(), found), kFlushAndZero), set);
  setFloatMode(set);
  return found;
}

void KernelWriter::setFloatMode(Value *mode) { b.CreateIntrinsic(Intrinsic::x86_sse_ldmxcsr, {}, {mode}); }

// What is below `least` becomes a zero of its sign.
static Value *flush(IRBuilder<> &b, Value *value, Value *measured, double least) {
  Value *isSmall =
      b.CreateFCmpOLT(b.CreateUnaryIntrinsic(Intrinsic::fabs, measured), ConstantFP::get(measured->getType(), least));
  Value *zero = b.CreateBinaryIntrinsic(Intrinsic::copysign, Constant::getNullValue(value->getType()), value);
  return b.CreateSelect(isSmall, zero, value);
}

Value *KernelWriter::flushed(Value *sum) {
  return target.architecture->triple.isX86() ? sum : flush(b, sum, sum, 0x1p-126);
}

Value *KernelWriter::multiplyAddWithoutSubnormals(Value *x, Value *y, Value *sum) {
  if (target.architecture->triple.isX86())
    return multiplyAdd(x, y, sum);
  x = flushed(x), y = flushed(y);
  Value *scale = ConstantFP::get(x->getType(), 0x1p64);
  Value *measured = multiplyAdd(b.CreateFMul(x, scale), y, b.CreateFMul(sum, scale));
  return flush(b, multiplyAdd(x, y, sum), measured, 0x1p-62);
}

} // namespace weft::cpu
