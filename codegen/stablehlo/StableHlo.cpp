// Decompose and simplify, then print.
#include "codegen/stablehlo/StableHlo.h"
#include "codegen/stablehlo/Printer.h"

#include "ir/GraphIR.h"
#include "passes/Decompose.h"
#include "passes/Simplify.h"

using namespace mlir;

namespace weft {
namespace {

// Sizes must be numbers; what is checked is the caller's.
void prepare(func::FuncOp main) {
  for (Type type : llvm::concat<const Type>(main.getArgumentTypes(), main.getResultTypes()))
    for (int64_t size : fromMlir(type).shape)
      if (isSymbol(size))
        fail(UserError::Kind::NotImplemented, "export",
             "StableHLO text has fixed sizes, and " + toString(fromMlir(type)) +
                 " has symbols; export for the sizes that are wanted");
  size_t checks = checkMessages(main).size();
  if (!checks)
    return;
  Operation *end = main.front().getTerminator();
  size_t left = end->getNumOperands() - checks;
  end->eraseOperands(unsigned(left), unsigned(checks));
  main.setFunctionType(FunctionType::get(main.getContext(), main.getArgumentTypes(),
                                         llvm::ArrayRef<Type>(main.getResultTypes()).take_front(left)));
  main->removeAttr("weft.checks");
}

} // namespace

std::string printStableHlo(ModuleOp module, const std::vector<const void *> &data) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isDeclaration())
    fail(UserError::Kind::Value, "export", "the module has no function @main");
  prepare(main);
  runSimplify(module);
  runDecompose(module);
  runSimplify(module);
  return stablehlo::Printer(module.getContext()).print(main, data);
}

} // namespace weft
