// Loads and stores: whole vectors where the index grows by one from lane to lane, else gathers and scatters. Elements
// are aligned to their own size, no more. Lanes that a mask leaves out do not touch memory.
#include "codegen/cpu/KernelWriter.h"

#include "ir/kernel/Prefetch.h"

#include "llvm/Analysis/VectorUtils.h"
#include "llvm/IR/IntrinsicsX86.h"

using namespace llvm;

namespace weft::cpu {

static Align alignment(Type *element) { return Align(std::max(1u, element->getScalarSizeInBits() / 8)); }

Value *KernelWriter::mask(mlir::Value condition) {
  if (!condition)
    return laneMask;
  Value *value = vector(condition);
  if (auto *known = dyn_cast<Constant>(value); known && known->isAllOnesValue())
    return laneMask;
  return laneMask ? b.CreateAnd(laneMask, value) : value;
}

Value *KernelWriter::pointer(mlir::Value buffer, Value *index) {
  Type *element = memoryType(mlir::cast<kernel::BufferType>(buffer.getType()).getElementType());
  return b.CreateGEP(element, scalar(buffer), index);
}

// The address of lane 0 is kept apart from the offsets of the others: constant offsets fit in 32-bit gather indices.
Value *KernelWriter::gatherPointers(mlir::Value buffer, const Lanes &index) {
  Type *element = memoryType(mlir::cast<kernel::BufferType>(buffer.getType()).getElementType());
  if (index.kind == Lanes::Linear) {
    Value *first = pointer(buffer, index.value);
    return b.CreateGEP(element, first, vector(Lanes::linear(constant(0), index.stride)));
  }
  return b.CreateGEP(element, scalar(buffer), vector(index));
}

Value *KernelWriter::reversed(Value *vector) {
  SmallVector<int, 16> order;
  for (int i = lanes - 1; i >= 0; --i)
    order.push_back(i);
  return b.CreateShuffleVector(vector, order);
}

Value *KernelWriter::loadVector(Type *element, Value *pointer, Value *mask, Value *otherwise) {
  Type *vector = vectorType(element);
  if (!mask)
    return b.CreateAlignedLoad(vector, pointer, alignment(element));
  otherwise = otherwise ? otherwise : Constant::getNullValue(vector);
  if (Value *count = counts.lookup(mask); count && element->getScalarSizeInBits() < target.maskedBits)
    return loadFirst(element, pointer, count, otherwise);
  // Of more than a register, register by register: LLVM 22 takes a mask for AVX2 that leaves one element of the second
  // one for that of another load.
  int64_t size = target.vectorBytes * 8 / element->getScalarSizeInBits();
  if (target.vectorBytes == 64 || size >= lanes)
    return b.CreateMaskedLoad(vector, pointer, alignment(element), mask, otherwise);
  SmallVector<Value *> parts;
  for (int64_t part = 0; part < lanes / size; ++part)
    parts.push_back(b.CreateMaskedLoad(
        FixedVectorType::get(element, size), b.CreateConstGEP1_64(element, pointer, part * size), alignment(element),
        partOf(b, mask, int(part), int(size)), partOf(b, otherwise, int(part), int(size))));
  return concatenateVectors(b, parts);
}

std::pair<Value *, Value *> KernelWriter::everyOther(Value *mask) {
  if (!mask)
    mask = ConstantInt::getTrue(vectorType(b.getInt1Ty()));
  SmallVector<int, kLanes> order[2];
  for (int half = 0; half < 2; ++half)
    for (int i = 0; i < lanes; ++i)
      order[half].push_back(i % 2 ? lanes : half * lanes / 2 + i / 2);
  Value *none = Constant::getNullValue(mask->getType());
  return {b.CreateShuffleVector(mask, none, order[0]), b.CreateShuffleVector(mask, none, order[1])};
}

Value *KernelWriter::loadEveryOther(Type *element, Value *pointer, std::pair<Value *, Value *> masks) {
  // As words: LLVM 22 for AVX2 leaves out a mask where nothing of the register is used, and the load would be one of
  // what is not there.
  Value *lower = loadMasked(element, pointer, masks.first, maskWords(element, masks.first));
  Value *later = b.CreateConstGEP1_64(element, pointer, lanes);
  return everyOtherOf(lower, loadMasked(element, later, masks.second, maskWords(element, masks.second)), 0);
}

Value *KernelWriter::everyOtherOf(Value *lower, Value *upper, int firstOfUpper) {
  SmallVector<int, kLanes> order;
  for (int i = 0; i < lanes; ++i)
    order.push_back(2 * i + (i < lanes / 2 ? 0 : firstOfUpper));
  return b.CreateShuffleVector(lower, upper, order);
}

Value *KernelWriter::maskWords(Type *element, Value *mask) {
  bool takesWords = target.vectorBytes == 32 && element->getScalarSizeInBits() >= 32;
  return takesWords ? b.CreateSExt(mask, vectorType(b.getIntNTy(element->getScalarSizeInBits()))) : nullptr;
}

Value *KernelWriter::loadMasked(Type *element, Value *pointer, Value *mask, Value *words) {
  if (!words)
    return loadVector(element, pointer, mask);
  int size = target.vectorBytes * 8 / int(element->getScalarSizeInBits());
  auto load = element->isFloatTy()       ? Intrinsic::x86_avx_maskload_ps_256
              : element->isDoubleTy()    ? Intrinsic::x86_avx_maskload_pd_256
              : element->isIntegerTy(32) ? Intrinsic::x86_avx2_maskload_d_256
                                         : Intrinsic::x86_avx2_maskload_q_256;
  SmallVector<Value *> parts;
  for (int part = 0; part < lanes / size; ++part)
    parts.push_back(b.CreateIntrinsic(
        load, {}, {b.CreateConstGEP1_64(element, pointer, part * size), partOf(b, words, part, size)}));
  return concatenateVectors(b, parts);
}

void KernelWriter::storeVector(Value *value, Value *pointer, Value *mask) {
  Align align = alignment(value->getType());
  if (!mask)
    b.CreateAlignedStore(value, pointer, align);
  else if (Value *count = counts.lookup(mask); count && value->getType()->getScalarSizeInBits() < target.maskedBits)
    storeFirst(value, pointer, count);
  else
    b.CreateMaskedStore(value, pointer, align, mask);
}

static bool isConstant(const Lanes &index, int64_t stride) {
  auto *known = index.kind == Lanes::Linear ? dyn_cast<ConstantInt>(index.stride) : nullptr;
  return known && known->getSExtValue() == stride;
}

void KernelWriter::load(kernel::LoadOp op) {
  Lanes index = get(op.getIndex());
  Type *element = memoryType(op.getType());
  if (op->hasAttr(kernel::kPrefetch)) {
    int64_t bytes = int64_t(module.getDataLayout().getTypeStoreSize(element));
    if (index.kind == Lanes::Uniform || isConstant(index, 1))
      prefetchLines(pointer(op.getBuffer(), index.value), index.kind == Lanes::Uniform ? bytes : bytes * lanes, false);
    return;
  }
  bool logical = op.getType().isInteger(1);
  // i1 is a byte that is not zero.
  auto result = [&](Lanes::Kind kind, Value *value) {
    if (logical)
      value = b.CreateICmpNE(value, Constant::getNullValue(value->getType()));
    values[op] = {kind, value, nullptr};
  };
  auto inMemory = [&](Value *value) {
    if (!logical)
      return value;
    Type *vector = value->getType();
    return b.CreateZExt(value, vector->isVectorTy() ? (Type *)vectorType(element) : element);
  };
  Lanes::Kind maskKind = op.getMask() ? get(op.getMask()).kind : Lanes::Uniform;

  if (index.kind == Lanes::Uniform && maskKind == Lanes::Uniform) {
    auto read = [&] { return b.CreateAlignedLoad(element, pointer(op.getBuffer(), index.value), alignment(element)); };
    if (!op.getMask())
      return result(Lanes::Uniform, read());
    Lanes otherwise = get(op.getOtherwise());
    if (otherwise.kind == Lanes::Uniform) {
      Value *other = inMemory(otherwise.value), *loaded = nullptr;
      BasicBlock *before = b.GetInsertBlock(), *from = nullptr;
      branch(scalar(op.getMask()), [&] {
        loaded = read();
        from = b.GetInsertBlock();
      });
      if (!loaded || from == before || b.GetInsertBlock() == before)
        return result(Lanes::Uniform, loaded ? loaded : other);
      PHINode *phi = b.CreatePHI(element, 2);
      phi->addIncoming(loaded, from);
      phi->addIncoming(other, before);
      return result(Lanes::Uniform, phi);
    }
  }
  Value *otherwise = op.getOtherwise() ? inMemory(vector(op.getOtherwise())) : nullptr;
  if (op.getMask() && maskKind == Lanes::Uniform) {
    // All lanes or none: a part of a concatenation, or of what is padded.
    Carried loaded = branch(scalar(op.getMask()), {otherwise}, [&](const Carried &) {
      return Carried{loadLanes(op.getBuffer(), index, laneMask, otherwise)};
    });
    return result(Lanes::Varying, loaded[0]);
  }
  if (isConstant(index, 1))
    prefetchAhead(op, pointer(op.getBuffer(), index.value));
  Value *mask = this->mask(op.getMask());
  result(Lanes::Varying, loadLanes(op.getBuffer(), index, mask, otherwise));
}

Value *KernelWriter::loadLanes(mlir::Value buffer, const Lanes &index, Value *mask, Value *otherwise) {
  Type *element = memoryType(mlir::cast<kernel::BufferType>(buffer.getType()).getElementType());
  if (isConstant(index, 1))
    return loadVector(element, pointer(buffer, index.value), mask, otherwise);
  if (isConstant(index, -1)) {
    Value *last = pointer(buffer, b.CreateSub(index.value, constant(lanes - 1)));
    return reversed(
        loadVector(element, last, mask ? reversed(mask) : nullptr, otherwise ? reversed(otherwise) : nullptr));
  }
  // Two loads and a choice of elements are some three times as fast as a gather.
  if (isConstant(index, 2) && element->getScalarSizeInBits() >= std::max(32u, target.maskedBits)) {
    Value *from = pointer(buffer, index.value);
    if (!mask) { // the element behind the last one may not be there
      Value *lower = loadVector(element, from, nullptr);
      return everyOtherOf(lower, loadVector(element, b.CreateConstGEP1_64(element, from, lanes - 1), nullptr), 1);
    }
    Value *loaded = loadEveryOther(element, from, everyOther(mask));
    auto *known = otherwise ? dyn_cast<Constant>(otherwise) : nullptr;
    return !otherwise || (known && known->isNullValue()) ? loaded : b.CreateSelect(mask, loaded, otherwise);
  }
  return b.CreateMaskedGather(vectorType(element), gatherPointers(buffer, index), alignment(element), mask,
                              otherwise ? otherwise : Constant::getNullValue(vectorType(element)));
}

void KernelWriter::store(kernel::StoreOp op) {
  Lanes index = get(op.getIndex());
  Type *element = memoryType(op.getValue().getType());
  auto inMemory = [&](Value *value) {
    return value->getType()->isIntOrIntVectorTy(1) ? b.CreateZExt(value, value->getType()->getWithNewBitWidth(8))
                                                   : value;
  };
  if (!inLanes()) {
    auto write = [&] {
      b.CreateAlignedStore(inMemory(scalar(op.getValue())), pointer(op.getBuffer(), index.value), alignment(element));
    };
    return op.getMask() ? branch(scalar(op.getMask()), write) : write();
  }
  Value *value = inMemory(vector(op.getValue())), *mask = this->mask(op.getMask());
  if (isConstant(index, 1))
    return storeVector(value, pointer(op.getBuffer(), index.value), mask);
  if (isConstant(index, -1)) {
    Value *last = pointer(op.getBuffer(), b.CreateSub(index.value, constant(lanes - 1)));
    return storeVector(reversed(value), last, mask ? reversed(mask) : nullptr);
  }
  b.CreateMaskedScatter(value, gatherPointers(op.getBuffer(), index), alignment(element), mask);
}

} // namespace weft::cpu
