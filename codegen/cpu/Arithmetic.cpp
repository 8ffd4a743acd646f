// Scalar operations. IRBuilder's methods take scalars and vectors alike, so an operation is written once; operands are
// widened to vectors only if one of them differs from lane to lane.
#include "codegen/cpu/KernelWriter.h"
#include "ir/kernel/NarrowFloats.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace llvm;
namespace arith = mlir::arith;
namespace math = mlir::math;

namespace weft::cpu {

bool KernelWriter::arithmetic(mlir::Operation *op) {
  if (auto constant = mlir::dyn_cast<arith::ConstantOp>(op)) {
    Type *type = this->type(constant.getType());
    Constant *value;
    if (auto real = mlir::dyn_cast<mlir::FloatAttr>(constant.getValue()))
      value = type->isIntegerTy() ? ConstantInt::get(type, real.getValue().bitcastToAPInt())
                                  : ConstantFP::get(type, real.getValue());
    else
      value = ConstantInt::get(type, mlir::cast<mlir::IntegerAttr>(constant.getValue()).getValue());
    values[constant] = Lanes::uniform(value);
    return true;
  }
  StringRef dialect = op->getName().getDialectNamespace();
  if (dialect != "arith" && dialect != "math")
    return false;

  bool anyLinear = false, anyVarying = false;
  for (mlir::Value operand : op->getOperands()) {
    anyLinear |= get(operand).kind == Lanes::Linear;
    anyVarying |= get(operand).kind == Lanes::Varying;
  }
  if (anyLinear && !anyVarying) {
    Lanes result = linearArithmetic(op);
    if (result.value) {
      values[op->getResult(0)] = result;
      return true;
    }
  }
  bool wide = anyLinear || anyVarying;
  if (wide && mlir::isa<arith::DivUIOp, arith::RemUIOp>(op) && op->getResult(0).getType().isIndex()) {
    values[op->getResult(0)] = Lanes::varying(divideIndices(op));
    return true;
  }
  if (lanes == kMostLanes && anyVarying && dividesByOne(op)) {
    values[op->getResult(0)] = Lanes::varying(quotientsByOne(mlir::cast<arith::DivFOp>(op)));
    return true;
  }
  SmallVector<Value *, 4> operands;
  for (mlir::Value operand : op->getOperands())
    operands.push_back(wide ? vector(operand) : get(operand).value);
  auto result = [&](unsigned i, Value *value) {
    values[op->getResult(i)] = {wide ? Lanes::Varying : Lanes::Uniform, value, nullptr};
  };

  if (auto extended = mlir::dyn_cast<arith::MulUIExtendedOp>(op)) {
    Type *narrow = operands[0]->getType();
    unsigned bits = narrow->getScalarSizeInBits();
    Type *twice = narrow->getWithNewBitWidth(bits * 2);
    Value *product = b.CreateMul(b.CreateZExt(operands[0], twice), b.CreateZExt(operands[1], twice));
    result(0, b.CreateTrunc(product, narrow));
    result(1, b.CreateTrunc(b.CreateLShr(product, bits), narrow));
    return true;
  }
  result(0, compute(op, operands));
  return true;
}

// Whether the value, or that of lane 0, is a multiple of the number of lanes.
bool KernelWriter::isAligned(const Lanes &value) const {
  auto *known = dyn_cast<ConstantInt>(value.value);
  return value.aligned || (value.kind != Lanes::Varying && known && known->getSExtValue() % lanes == 0);
}

static bool isAscending(const Lanes &value) {
  auto *stride = dyn_cast_or_null<ConstantInt>(value.stride);
  return stride && stride->isOne();
}

bool KernelWriter::isMultiple(Value *value, Value *of) {
  auto *known = dyn_cast<ConstantInt>(value), *number = dyn_cast<ConstantInt>(of);
  if (known && number)
    return !number->isZero() && known->getSExtValue() % number->getSExtValue() == 0;
  auto *product = dyn_cast<BinaryOperator>(value);
  bool isProduct = product && product->getOpcode() == Instruction::Mul;
  return value == of ||
         (isProduct && any_of(product->operands(), [&](Value *factor) { return isMultiple(factor, of); }));
}

// Indices that stay linear or become uniform; a null value where the result does not.
Lanes KernelWriter::linearArithmetic(mlir::Operation *op) {
  const Lanes none = Lanes::uniform(nullptr);
  Lanes x = get(op->getOperand(0));
  auto strideOf = [&](const Lanes &v) { return v.stride ? v.stride : ConstantInt::get(v.value->getType(), 0); };
  if (mlir::isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op)) {
    Lanes y = get(op->getOperand(1));
    bool aligned = isAligned(x) && isAligned(y);
    if (mlir::isa<arith::AddIOp>(op))
      return Lanes::linear(b.CreateAdd(x.value, y.value), b.CreateAdd(strideOf(x), strideOf(y)), aligned);
    if (mlir::isa<arith::SubIOp>(op)) {
      Value *stride = b.CreateSub(strideOf(x), strideOf(y));
      if (auto *known = dyn_cast<ConstantInt>(stride); known && known->isZero())
        return Lanes::uniform(b.CreateSub(x.value, y.value));
      return Lanes::linear(b.CreateSub(x.value, y.value), stride, aligned);
    }
    if (x.kind == Lanes::Linear && y.kind == Lanes::Linear)
      return none;
    if (x.kind == Lanes::Uniform)
      std::swap(x, y);
    Value *stride = b.CreateMul(x.stride, y.value);
    if (auto *known = dyn_cast<ConstantInt>(stride); known && known->isZero())
      return Lanes::uniform(known);
    return Lanes::linear(b.CreateMul(x.value, y.value), stride);
  }
  if (mlir::isa<arith::DivUIOp, arith::RemUIOp>(op)) {
    // Lanes from one multiple of a number (their own, or that of a run) to the next have one quotient by a third.
    const Lanes &y = get(op->getOperand(1));
    auto *known = dyn_cast<ConstantInt>(y.value);
    if (!isAscending(x) || y.kind != Lanes::Uniform || (known && known->isZero()))
      return none;
    bool isQuotient = mlir::isa<arith::DivUIOp>(op);
    if (known && isAligned(x) && isAligned(y)) {
      if (isQuotient)
        return Lanes::uniform(b.CreateUDiv(x.value, known));
      return Lanes::linear(b.CreateURem(x.value, known), x.stride, /*aligned=*/true);
    }
    if (!x.run || !isMultiple(y.value, x.run))
      return none;
    bool isRun = y.value == x.run;
    Value *start = b.CreateMul(x.runNumber, x.run);
    if (isQuotient)
      return Lanes::uniform(isRun ? x.runNumber : b.CreateUDiv(start, y.value));
    Value *rest = isRun ? constant(0) : b.CreateURem(start, y.value);
    Lanes result = Lanes::linear(b.CreateAdd(b.CreateSub(x.value, start), rest), x.stride);
    result.run = x.run, result.runNumber = isRun ? rest : b.CreateUDiv(rest, x.run);
    return result;
  }
  if (auto compare = mlir::dyn_cast<arith::CmpIOp>(op)) {
    // And they are all below it, or none.
    bool below = compare.getPredicate() == arith::CmpIPredicate::ult;
    Lanes y = get(op->getOperand(1));
    if (below && isAligned(x) && isAscending(x) && y.kind == Lanes::Uniform && isAligned(y))
      return Lanes::uniform(b.CreateICmpULT(x.value, y.value));
    return isAscending(x) && y.kind == Lanes::Uniform ? Lanes::varying(compareIndices(compare)) : none;
  }
  if (mlir::isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::TruncIOp>(op)) {
    Type *from = x.value->getType(), *to = type(op->getResult(0).getType());
    if (to->getScalarSizeInBits() <= from->getScalarSizeInBits())
      return Lanes::linear(b.CreateTrunc(x.value, to), b.CreateTrunc(x.stride, to));
  }
  return none;
}

// An index that ascends, against one number: the lanes below a count, which fits in 32 bits. Else null.
Value *KernelWriter::compareIndices(arith::CmpIOp op) {
  mlir::Value left = op.getLhs();
  if (auto cast = left.getDefiningOp<arith::IndexCastOp>())
    left = cast.getIn();
  arith::CmpIPredicate predicate = op.getPredicate();
  bool orEqual = predicate == arith::CmpIPredicate::sle || predicate == arith::CmpIPredicate::sgt;
  bool above = predicate == arith::CmpIPredicate::sgt || predicate == arith::CmpIPredicate::sge;
  bool below = predicate == arith::CmpIPredicate::sle || predicate == arith::CmpIPredicate::slt;
  Value *first = get(op.getLhs()).value, *number = get(op.getRhs()).value;
  if (!left.getType().isIndex() || !first->getType()->isIntegerTy(64) || (!above && !below))
    return nullptr;
  number = minimum(maximum(number, b.CreateSub(first, constant(1))), b.CreateAdd(first, constant(lanes)));
  Value *mask = firstLanes(b.CreateAdd(b.CreateSub(number, first), constant(orEqual)));
  return above ? b.CreateNot(mask) : mask;
}

Value *KernelWriter::compareFloats(arith::CmpFPredicate predicate, Value *x, Value *y) {
  switch (predicate) {
  case arith::CmpFPredicate::AlwaysFalse:
    return b.CreateFCmp(CmpInst::FCMP_FALSE, x, y);
  case arith::CmpFPredicate::OEQ:
    return b.CreateFCmpOEQ(x, y);
  case arith::CmpFPredicate::OGT:
    return b.CreateFCmpOGT(x, y);
  case arith::CmpFPredicate::OGE:
    return b.CreateFCmpOGE(x, y);
  case arith::CmpFPredicate::OLT:
    return b.CreateFCmpOLT(x, y);
  case arith::CmpFPredicate::OLE:
    return b.CreateFCmpOLE(x, y);
  case arith::CmpFPredicate::ONE:
    return b.CreateFCmpONE(x, y);
  case arith::CmpFPredicate::ORD:
    return b.CreateFCmpORD(x, y);
  case arith::CmpFPredicate::UEQ:
    return b.CreateFCmpUEQ(x, y);
  case arith::CmpFPredicate::UGT:
    return b.CreateFCmpUGT(x, y);
  case arith::CmpFPredicate::UGE:
    return b.CreateFCmpUGE(x, y);
  case arith::CmpFPredicate::ULT:
    return b.CreateFCmpULT(x, y);
  case arith::CmpFPredicate::ULE:
    return b.CreateFCmpULE(x, y);
  case arith::CmpFPredicate::UNE:
    return b.CreateFCmpUNE(x, y);
  case arith::CmpFPredicate::UNO:
    return b.CreateFCmpUNO(x, y);
  case arith::CmpFPredicate::AlwaysTrue:
    return b.CreateFCmp(CmpInst::FCMP_TRUE, x, y);
  }
  llvm_unreachable("a comparison of floats");
}

static CmpInst::Predicate predicate(arith::CmpIPredicate p) {
  switch (p) {
  case arith::CmpIPredicate::eq:
    return CmpInst::ICMP_EQ;
  case arith::CmpIPredicate::ne:
    return CmpInst::ICMP_NE;
  case arith::CmpIPredicate::slt:
    return CmpInst::ICMP_SLT;
  case arith::CmpIPredicate::sle:
    return CmpInst::ICMP_SLE;
  case arith::CmpIPredicate::sgt:
    return CmpInst::ICMP_SGT;
  case arith::CmpIPredicate::sge:
    return CmpInst::ICMP_SGE;
  case arith::CmpIPredicate::ult:
    return CmpInst::ICMP_ULT;
  case arith::CmpIPredicate::ule:
    return CmpInst::ICMP_ULE;
  case arith::CmpIPredicate::ugt:
    return CmpInst::ICMP_UGT;
  case arith::CmpIPredicate::uge:
    return CmpInst::ICMP_UGE;
  }
  llvm_unreachable("a comparison of integers");
}

// Whether what is rounded to bf16 need not be looked at for NaNs: they are short, or others are taken for them.
static bool isRoundedAsNumber(mlir::Operation *op) {
  mlir::Value wide = op->getOperand(0);
  return kernel::hasShortNan(wide) || llvm::all_of(op->getUsers(), [&](mlir::Operation *user) {
           auto select = mlir::dyn_cast<arith::SelectOp>(user);
           auto isNan = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
           return isNan && select.getTrueValue() != op->getResult(0) && isNan.getLhs() == wide &&
                  isNan.getRhs() == wide && isNan.getPredicate() == arith::CmpFPredicate::UNE;
         });
}

Value *KernelWriter::convert(mlir::Operation *op, Value *x, mlir::Type from, mlir::Type to) {
  auto shaped = [&](Type *element) -> Type * {
    auto *vector = dyn_cast<FixedVectorType>(x->getType());
    return vector ? FixedVectorType::get(element, vector->getNumElements()) : element;
  };
  Type *target = shaped(type(to));
  bool half = to.isF16() || to.isBF16();
  unsigned fromBits = x->getType()->getScalarSizeInBits(), toBits = target->getScalarSizeInBits();
  if (mlir::isa<arith::BitcastOp>(op))
    return b.CreateBitCast(x, target);
  if (mlir::isa<arith::ExtFOp, arith::TruncFOp>(op)) {
    Value *value = widen(x, from);
    Type *wide = half ? shaped(b.getFloatTy()) : target;
    return narrow(b.CreateFPCast(value, wide), to, to.isBF16() && isRoundedAsNumber(op));
  }
  if (mlir::isa<arith::SIToFPOp, arith::UIToFPOp>(op)) {
    Type *wide = half ? shaped(b.getFloatTy()) : target;
    if (mlir::isa<arith::SIToFPOp>(op))
      return narrow(b.CreateSIToFP(x, wide), to);
    // Narrow unsigned integers convert as the signed ones they fit in, for which there are instructions.
    return narrow(
        fromBits < 32 ? b.CreateSIToFP(b.CreateZExt(x, shaped(b.getInt32Ty())), wide) : b.CreateUIToFP(x, wide), to);
  }
  if (mlir::isa<arith::FPToSIOp, arith::FPToUIOp>(op)) {
    bool isUnsigned = mlir::isa<arith::FPToUIOp>(op);
    Value *value = widen(x, from);
    if (toBits < 32)
      return b.CreateTrunc(b.CreateFPToSI(value, shaped(b.getInt32Ty())), target);
    return isUnsigned ? b.CreateFPToUI(value, target) : b.CreateFPToSI(value, target);
  }
  if (mlir::isa<arith::ExtUIOp, arith::IndexCastUIOp>(op))
    return b.CreateZExtOrTrunc(x, target);
  return b.CreateSExtOrTrunc(x, target); // extsi, trunci, index_cast
}

// llvm.copysign of a value that is then rounded to a narrower type becomes one of that type, for which the X86 code
// generator rounds the sign, too: from double to half by a function of the C library.
Value *KernelWriter::copySign(Value *magnitude, Value *sign) {
  unsigned bits = magnitude->getType()->getScalarSizeInBits();
  Type *words = magnitude->getType()->getWithNewType(b.getIntNTy(bits));
  APInt mask = APInt::getSignMask(bits);
  Value *kept = b.CreateAnd(b.CreateBitCast(magnitude, words), ConstantInt::get(words, ~mask));
  Value *taken = b.CreateAnd(b.CreateBitCast(sign, words), ConstantInt::get(words, mask));
  return b.CreateBitCast(b.CreateOr(kept, taken), magnitude->getType());
}

Value *KernelWriter::compute(mlir::Operation *op, ArrayRef<Value *> operands) {
  mlir::Type in = op->getOperand(0).getType(), out = op->getResult(0).getType();
  Value *x = operands[0], *y = operands.size() > 1 ? operands[1] : nullptr,
        *z = operands.size() > 2 ? operands[2] : nullptr;
  if (auto compare = mlir::dyn_cast<arith::CmpIOp>(op))
    return b.CreateICmp(predicate(compare.getPredicate()), x, y);
  if (mlir::isa<arith::SelectOp>(op))
    return select(x, y, z);
  if (mlir::isa<arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp, arith::UIToFPOp, arith::FPToSIOp, arith::FPToUIOp,
                arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp, arith::BitcastOp, arith::IndexCastOp,
                arith::IndexCastUIOp>(op))
    return convert(op, x, in, out);
  if (mlir::isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::FloorDivSIOp>(op))
    return divide(op, x, y);

  // Narrow floats are computed on in f32 and rounded at each operation.
  if (mlir::isa<mlir::FloatType>(in)) {
    x = widen(x, in);
    y = y ? widen(y, in) : y;
    z = z ? widen(z, in) : z;
  }
  if (auto compare = mlir::dyn_cast<arith::CmpFOp>(op))
    return compareFloats(compare.getPredicate(), x, y);
  auto unary = [&](Intrinsic::ID id) { return b.CreateUnaryIntrinsic(id, x); };
  auto binary = [&](Intrinsic::ID id) { return b.CreateBinaryIntrinsic(id, x, y); };
  Value *result =
      TypeSwitch<mlir::Operation *, Value *>(op)
          .Case<arith::AddFOp>([&](auto) { return b.CreateFAdd(x, y); })
          .Case<arith::SubFOp>([&](auto) { return b.CreateFSub(x, y); })
          .Case<arith::MulFOp>([&](auto) { return b.CreateFMul(x, y); })
          .Case<arith::DivFOp>([&](auto) { return b.CreateFDiv(x, y); })
          .Case<arith::RemFOp>([&](auto) { return remainder(x, y); })
          .Case<arith::NegFOp>([&](auto) { return b.CreateFNeg(x); })
          .Case<arith::MaximumFOp>([&](auto) { return extremum(/*isMax=*/true, x, y); })
          .Case<arith::MinimumFOp>([&](auto) { return extremum(/*isMax=*/false, x, y); })
          .Case<arith::MaxNumFOp>([&](auto) { return binary(Intrinsic::maxnum); })
          .Case<arith::MinNumFOp>([&](auto) { return binary(Intrinsic::minnum); })
          .Case<arith::AddIOp>([&](auto) { return b.CreateAdd(x, y); })
          .Case<arith::SubIOp>([&](auto) { return b.CreateSub(x, y); })
          .Case<arith::MulIOp>([&](auto) { return b.CreateMul(x, y); })
          .Case<arith::AndIOp>([&](auto) { return b.CreateAnd(x, y); })
          .Case<arith::OrIOp>([&](auto) { return b.CreateOr(x, y); })
          .Case<arith::XOrIOp>([&](auto) { return b.CreateXor(x, y); })
          .Case<arith::ShLIOp>([&](auto) { return b.CreateShl(x, y); })
          .Case<arith::ShRSIOp>([&](auto) { return b.CreateAShr(x, y); })
          .Case<arith::ShRUIOp>([&](auto) { return b.CreateLShr(x, y); })
          .Case<arith::MaxSIOp>([&](auto) { return maximum(x, y); })
          .Case<arith::MinSIOp>([&](auto) { return minimum(x, y); })
          .Case<arith::MaxUIOp>([&](auto) { return binary(Intrinsic::umax); })
          .Case<arith::MinUIOp>([&](auto) { return binary(Intrinsic::umin); })
          .Case<math::AbsFOp>([&](auto) { return unary(Intrinsic::fabs); })
          .Case<math::CeilOp>([&](auto) { return unary(Intrinsic::ceil); })
          .Case<math::FloorOp>([&](auto) { return unary(Intrinsic::floor); })
          .Case<math::TruncOp>([&](auto) { return unary(Intrinsic::trunc); })
          .Case<math::RoundEvenOp>([&](auto) { return unary(Intrinsic::roundeven); })
          .Case<math::SqrtOp>([&](auto) { return unary(Intrinsic::sqrt); })
          .Case<math::CopySignOp>([&](auto) { return copySign(x, y); })
          .Case<math::AbsIOp>(
              [&](auto) { return b.CreateIntrinsic(Intrinsic::abs, {x->getType()}, {x, b.getFalse()}); })
          .Case<math::FmaOp>([&](auto) { return b.CreateIntrinsic(Intrinsic::fma, {x->getType()}, {x, y, z}); })
          .Case<math::IsNaNOp>([&](auto) { return b.CreateFCmpUNO(x, x); })
          .Default([](mlir::Operation *) { return nullptr; });
  if (!result)
    unsupported(op, "the CPU code generator does not know this operation");
  return mlir::isa<mlir::FloatType>(out) ? narrow(result, out) : result;
}

} // namespace weft::cpu
