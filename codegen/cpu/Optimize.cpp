// The passes between the writer and LLVM's code generator. None of them may change a result's bits: no operation
// carries a fast-math flag, so they cannot reassociate or contract.
//
// The list is short because the writer leaves little to do: its code is in SSA form, its loops are rotated and written
// in vectors, and its indices are shared and hoisted. Against LLVM's stock O2 (opt -O2 on the same code; milliseconds
// of processor time for the passes + code generation, then cycles for 16 elements within the cache, Cascade Lake):
//
//                ours          O2            ours    O2
//   softmax      1 + 8         27 + 16       22.2    21.9
//   layer norm   1 + 8         5 + 20        19.5    18.9
//   GELU         1 + 11        21 + 14       44.3    44.4
//   ew_chain     1 + 9         24 + 3        102     104
//   reduce_sum   9 + 15        49 + 47
//   matmul_256   2 + 25        34 + 35
//   mlp_train    20 + 96       231 + 205
//   gpt_train    30 + 413      779 + 473
#include "codegen/cpu/Target.h"
#include "ir/Cancel.h"

#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/Scalar/DCE.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"

using namespace llvm;

namespace weft::cpu {

// A masked store whose constant mask leaves one lane, such as the last of a row of 65, as a store of that element. LLVM
// 22's X86 code generator does so itself, but where the store also narrows (vpmovdw) it writes the wide element: four
// bytes for two.
static void storeLoneLanes(Function &function) {
  for (Instruction &instruction : make_early_inc_range(instructions(function))) {
    auto *store = dyn_cast<IntrinsicInst>(&instruction);
    if (!store || store->getIntrinsicID() != Intrinsic::masked_store)
      continue;
    Value *value = store->getArgOperand(0), *pointer = store->getArgOperand(1);
    auto *mask = dyn_cast<Constant>(store->getArgOperand(store->arg_size() - 1));
    auto *type = dyn_cast<FixedVectorType>(value->getType());
    if (!mask || !type)
      continue;
    SmallVector<unsigned> lanes;
    for (unsigned i = 0; i < type->getNumElements(); ++i)
      if (Constant *bit = mask->getAggregateElement(i); !bit || !bit->isNullValue())
        lanes.push_back(i);
    if (lanes.size() != 1)
      continue;
    IRBuilder<> b(store);
    Type *element = type->getElementType();
    Value *place = b.CreateConstInBoundsGEP1_64(element, pointer, lanes[0]);
    b.CreateAlignedStore(b.CreateExtractElement(value, lanes[0]), place,
                         Align((element->getPrimitiveSizeInBits() + 7) / 8));
    store->eraseFromParent();
  }
}

void optimize(Module &module, const Target &target) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(target.machine.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  FunctionPassManager passes;
  passes.addPass(EarlyCSEPass());
  passes.addPass(createFunctionToLoopPassAdaptor(LICMPass(LICMOptions()), /*UseMemorySSA=*/true));
  passes.addPass(DCEPass());
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    checkCancelled();
    function.addFnAttr("prefer-vector-width", std::to_string(target.vectorBytes * 8));
    function.addFnAttr("min-legal-vector-width", std::to_string(target.vectorBytes * 8));
    passes.run(function, functions);
    storeLoneLanes(function);
  }
}

} // namespace weft::cpu
