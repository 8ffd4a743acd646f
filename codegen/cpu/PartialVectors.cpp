// Vectors of which only the first elements are in memory, on processors whose loads and stores take no masks for them
// (AVX2: elements of 8 and 16 bits; NEON: all). They go through the stack, element by element: LLVM would write a
// branch for each element, thirty times the code.
#include "codegen/cpu/KernelWriter.h"

using namespace llvm;

namespace weft::cpu {

void KernelWriter::copyElements(Type *element, Value *from, Value *to, Value *count) {
  loop(constant(0), minimum(count, constant(lanes)), 1, [&](Value *i) {
    Align align(element->getScalarSizeInBits() / 8);
    Value *value = b.CreateAlignedLoad(element, b.CreateGEP(element, from, i), align);
    b.CreateAlignedStore(value, b.CreateGEP(element, to, i), align);
  });
}

Value *KernelWriter::loadFirst(Type *element, Value *pointer, Value *count, Value *otherwise) {
  AllocaInst *part = stackArray(element, lanes);
  storeVector(otherwise, part, nullptr);
  copyElements(element, pointer, part, count);
  return loadVector(element, part, nullptr);
}

void KernelWriter::storeFirst(Value *value, Value *pointer, Value *count) {
  Type *element = value->getType()->getScalarType();
  AllocaInst *part = stackArray(element, lanes);
  storeVector(value, part, nullptr);
  copyElements(element, part, pointer, count);
}

} // namespace weft::cpu
