#include "codegen/Compiler.h"
#include "codegen/stablehlo/StableHlo.h"
#include "ir/GraphIR.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

// The graph as a module whose inputs have their names and roles.
static mlir::OwningOpRef<mlir::ModuleOp>
namedModule(const weft::Graph &graph, const std::vector<weft::InputName> &names, mlir::MLIRContext &context) {
  using weft::InputRole;
  mlir::OwningOpRef<mlir::ModuleOp> module = weft::importGraph(graph, context);
  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  for (size_t i = 0; i < names.size(); ++i) {
    static const char *const attributes[] = {"weft.name", "weft.weight", "weft.state", "weft.generator"}; // by role
    mlir::Attribute value = mlir::StringAttr::get(&context, names[i].name);
    if (names[i].role == InputRole::Generator)
      value = mlir::UnitAttr::get(&context);
    main.setArgAttr(i, attributes[int(names[i].role)], value);
  }
  return module;
}

std::string weft::printGraph(const Graph &graph, const std::vector<InputName> &names, const std::string &weightsFile) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module = namedModule(graph, names, context);
  if (!weightsFile.empty())
    (*module)->setAttr("weft.weights", mlir::StringAttr::get(&context, weightsFile));
  std::string text;
  llvm::raw_string_ostream out(text);
  module->print(out, mlir::OpPrintingFlags().useLocalScope());
  out << "\n";
  return text;
}

std::string weft::printStableHlo(const Graph &graph, const std::vector<InputName> &names,
                                 const std::vector<const void *> &data) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  return printStableHlo(*namedModule(graph, names, context), data);
}
