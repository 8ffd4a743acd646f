// The register tile of a matrix product: C[rows, 2 vectors] += A[rows, depth] * B[depth, 2 vectors], with all of C in
// registers. On AVX-512 and float32 that is 14 x 32: per step of K two loads of B, fourteen broadcasts of A and
// twenty-eight multiply-adds.
#include "codegen/cpu/Product.h"

using namespace llvm;

namespace weft::cpu {

Function *KernelWriter::helper(const std::string &name, unsigned pointers, unsigned integers,
                               function_ref<void(Function *)> body) {
  if (Function *known = module.getFunction(name))
    return known;
  SmallVector<Type *, 12> types(pointers, b.getPtrTy());
  types.append(integers, b.getInt64Ty());
  Function *result =
      Function::Create(FunctionType::get(b.getVoidTy(), types, false), GlobalValue::InternalLinkage, name, module);
  result->addFnAttr(Attribute::NoUnwind);
  result->addFnAttr(Attribute::NoInline);
  IRBuilderBase::InsertPointGuard guard(b);
  Function *outer = std::exchange(function, result);
  int outerLanes = std::exchange(lanes, 1);
  b.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", result));
  body(result);
  b.CreateRetVoid();
  function = outer;
  lanes = outerLanes;
  return result;
}

void KernelWriter::prefetch(Value *address, int level) {
  b.CreateIntrinsic(Intrinsic::prefetch, {address->getType()},
                    {address, b.getInt32(0), b.getInt32(4 - level), b.getInt32(1)});
}

// void (a, panel of b, c, what to ask for meanwhile, depth, k): k is the number of steps of K before; where there are
// none, c is written, not added to.
Function *KernelWriter::tileFunction(Product &p) {
  std::string name;
  raw_string_ostream(name) << "weft_tile_" << *p.type << '_' << p.tileRows << 'x' << p.tileColumns << '_' << p.aStrideM
                           << '_' << p.aStrideK;
  return helper(name, 4, 2, [&](Function *tile) {
    Value *a = tile->getArg(0), *panel = tile->getArg(1), *c = tile->getArg(2), *ahead = tile->getArg(3);
    auto *vector = FixedVectorType::get(p.type, p.vectorLanes);
    Align align(p.type->getScalarSizeInBits() / 8);
    Carried sums(p.tileRows * kTileVectors, Constant::getNullValue(vector));
    sums.push_back(panel);
    auto step = [&](Value *k, const Carried &carried) {
      Carried next;
      Value *rowOfB = carried.back(), *columnOfA = b.CreateGEP(p.type, a, b.CreateMul(k, constant(p.aStrideK)));
      Value *right[kTileVectors];
      for (int64_t j = 0; j < kTileVectors; ++j)
        right[j] = b.CreateAlignedLoad(vector, b.CreateConstGEP1_64(p.type, rowOfB, j * p.vectorLanes), align);
      // B comes from the second-level cache or from beyond, and waits there would stop the multiply-adds.
      for (int64_t j = 0; j < kTileVectors; ++j)
        prefetch(b.CreateConstGEP1_64(p.type, rowOfB, kPrefetchDistance * kPanel + j * p.vectorLanes));
      prefetch(b.CreateGEP(b.getInt8Ty(), ahead, b.CreateMul(k, constant(kAheadBytes))), 2);
      for (int64_t i = 0; i < p.tileRows; ++i) {
        Value *element = b.CreateAlignedLoad(p.type, b.CreateConstGEP1_64(p.type, columnOfA, i * p.aStrideM), align);
        Value *left = b.CreateVectorSplat(p.vectorLanes, element);
        for (int64_t j = 0; j < kTileVectors; ++j) {
          next.push_back(multiplyAdd(left, right[j], carried[i * kTileVectors + j]));
        }
      }
      next.push_back(b.CreateConstGEP1_64(p.type, rowOfB, kPanel));
      return next;
    };
    sums = loop(constant(0), tile->getArg(4), 1, sums, step, /*atLeastOnce=*/true);
    auto place = [&](int64_t number) {
      int64_t row = number / kTileVectors, column = number % kTileVectors * p.vectorLanes;
      return b.CreateConstGEP1_64(p.type, c, row * kStrideC + column);
    };
    sums.pop_back();
    sums = branch(b.CreateICmpNE(tile->getArg(5), constant(0)), sums, [&](const Carried &sums) {
      Carried added;
      for (auto [i, sum] : enumerate(sums))
        added.push_back(add(b.CreateAlignedLoad(vector, place(i), align), sum));
      return added;
    });
    for (auto [i, sum] : enumerate(sums))
      b.CreateAlignedStore(sum, place(i), align);
  });
}

} // namespace weft::cpu
