// kernel.compact: a vector of numbers at a time, of which those that are wanted are moved together and stored; the next
// vector's begin behind them.
#include "codegen/cpu/KernelWriter.h"

using namespace llvm;

namespace weft::cpu {

void KernelWriter::compact(kernel::CompactOp op) {
  auto *numbers = FixedVectorType::get(b.getInt32Ty(), kLanes), *bytes = FixedVectorType::get(b.getInt8Ty(), kLanes);
  SmallVector<Constant *> each;
  for (int i = 0; i < kLanes; ++i)
    each.push_back(b.getInt32(uint32_t(i)));
  Value *lane = ConstantVector::get(each), *flags = scalar(op.getFlags()), *count = scalar(op.getCount());
  Value *to = scalar(op.getNumbers());
  auto splat = [&](Value *number) { return b.CreateVectorSplat(kLanes, b.CreateTrunc(number, b.getInt32Ty())); };
  auto body = [&](Value *first, const Carried &kept) -> Carried {
    Value *flag = b.CreateAlignedLoad(bytes, b.CreateGEP(b.getInt8Ty(), flags, first), Align(1));
    Value *wanted = b.CreateICmpNE(flag, Constant::getNullValue(bytes));
    wanted = b.CreateAnd(wanted, b.CreateICmpULT(lane, splat(b.CreateSub(count, first))));
    Value *together = b.CreateIntrinsic(Intrinsic::experimental_vector_compress, {numbers},
                                        {b.CreateAdd(splat(first), lane), wanted, PoisonValue::get(numbers)});
    b.CreateAlignedStore(together, b.CreateGEP(b.getInt32Ty(), to, kept[0]), Align(4));
    Value *bits = b.CreateBitCast(wanted, b.getIntNTy(kLanes));
    Value *more = b.CreateUnaryIntrinsic(Intrinsic::ctpop, bits);
    return {b.CreateAdd(kept[0], b.CreateZExt(more, b.getInt64Ty()))};
  };
  values[op.getKept()] = Lanes::uniform(loop(constant(0), count, kLanes, {constant(0)}, body)[0]);
}

} // namespace weft::cpu
