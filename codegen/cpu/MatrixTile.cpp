// The register tile of a matrix product: C[rows, 2 vectors] += A[rows, depth] * B[depth, 2 vectors], with all of C in registers. On
// AVX-512 and float32 that is 14 x 32: per step of K two loads of B, fourteen broadcasts of A and twenty-eight multiply-adds.
#include "codegen/cpu/Product.h"

using namespace llvm;

namespace weft::cpu {

Function *KernelWriter::tileFunction(Product &p) {
  std::string name;
  raw_string_ostream text(name);
  text << "weft_tile_";
  p.type->print(text);
  text << '_' << p.tileRows << 'x' << p.tileColumns << '_' << p.strideA << '_' << p.strideC;
  if (Function *known = module.getFunction(name))
    return known;

  Type *pointer = b.getPtrTy();
  auto *signature = FunctionType::get(b.getVoidTy(), {pointer, pointer, pointer, b.getInt64Ty()}, false);
  Function *tile = Function::Create(signature, GlobalValue::InternalLinkage, name, module);
  tile->addFnAttr(Attribute::NoUnwind);
  tile->addFnAttr(Attribute::NoInline);
  IRBuilderBase::InsertPointGuard guard(b);
  Function *outer = std::exchange(function, tile);
  b.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", tile));
  Value *a = tile->getArg(0), *panel = tile->getArg(1), *c = tile->getArg(2);
  auto *vector = FixedVectorType::get(p.type, p.vectorLanes);
  Align align(p.type->getScalarSizeInBits() / 8);

  Carried sums(p.tileRows * kTileVectors, Constant::getNullValue(vector));
  sums = loop(constant(0), tile->getArg(3), 1, sums, [&](Value *k, const Carried &carried) {
    Carried next;
    Value *rowOfB = b.CreateGEP(p.type, panel, b.CreateMul(k, constant(kPanel))), *columnOfA = b.CreateGEP(p.type, a, k);
    Value *right[kTileVectors];
    for (int64_t j = 0; j < kTileVectors; ++j)
      right[j] = b.CreateAlignedLoad(vector, b.CreateConstGEP1_64(p.type, rowOfB, j * p.vectorLanes), align);
    for (int64_t i = 0; i < p.tileRows; ++i) {
      Value *element = b.CreateAlignedLoad(p.type, b.CreateConstGEP1_64(p.type, columnOfA, i * p.strideA), align);
      Value *left = b.CreateVectorSplat(p.vectorLanes, element);
      for (int64_t j = 0; j < kTileVectors; ++j) {
        Value *sum = carried[i * kTileVectors + j];
        next.push_back(p.type->isFloatingPointTy() ? b.CreateIntrinsic(Intrinsic::fma, {vector}, {left, right[j], sum})
                                                   : b.CreateAdd(b.CreateMul(left, right[j]), sum));
      }
    }
    return next;
  }, /*atLeastOnce=*/true);
  for (int64_t i = 0; i < p.tileRows; ++i)
    for (int64_t j = 0; j < kTileVectors; ++j) {
      Value *place = b.CreateConstGEP1_64(p.type, c, i * p.strideC + j * p.vectorLanes), *sum = sums[i * kTileVectors + j];
      Value *before = b.CreateAlignedLoad(vector, place, align);
      sum = p.type->isFloatingPointTy() ? b.CreateFAdd(before, sum) : b.CreateAdd(before, sum);
      b.CreateAlignedStore(sum, place, align);
    }
  b.CreateRetVoid();
  function = outer;
  return tile;
}

} // namespace weft::cpu
