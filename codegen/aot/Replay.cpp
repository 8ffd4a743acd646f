// A program with what compiles and runs it, as one text and back (codegen/Compiler.h).
#include "codegen/Compiler.h"
#include "codegen/cpu/Target.h"
#include "ir/GraphIR.h"
#include "ir/WeftDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <stdexcept>

using namespace mlir;

namespace weft {

std::string printReplay(const Replay &replay) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = importGraph(replay.graph, context);
  Builder builder(&context);
  const CompileOptions &options = replay.options;
  auto set = [&](const char *name, Attribute value) { (*module)->setAttr(name, value); };
  if (options.cuda)
    set("weft.cuda_arch", builder.getStringAttr(options.cudaArch));
  else
    set("weft.cpu", builder.getStringAttr(options.cpu.empty() ? cpu::Target::thisMachine() : options.cpu));
  if (!options.fuse)
    set("weft.fuse", builder.getBoolAttr(false));
  if (options.steps >= 0)
    set("weft.steps", builder.getI64IntegerAttr(options.steps));
  if (!replay.symbols.empty())
    set("weft.symbol_values", builder.getDenseI64ArrayAttr(replay.symbols));
  auto main = module->lookupSymbol<func::FuncOp>("main");
  for (size_t i = 0; i < replay.values.size(); ++i)
    if (const std::optional<std::string> &bytes = replay.values[i])
      main.setArgAttr(unsigned(i), "weft.value", builder.getStringAttr(llvm::toHex(*bytes, /*LowerCase=*/true)));
  std::string text;
  llvm::raw_string_ostream out(text);
  module->print(out, OpPrintingFlags().enableDebugInfo());
  out << "\n";
  return text;
}

static std::string valueOf(llvm::StringRef digits, unsigned argument) {
  std::string bytes;
  if (digits.size() % 2 || !llvm::tryGetFromHex(digits, bytes))
    throw std::runtime_error("weft.value of argument " + std::to_string(argument) +
                             " is not hexadecimal digits, two for each byte");
  return bytes;
}

Replay parseReplay(const std::string &text, const std::string &path) {
  DialectRegistry registry;
  registry.insert<WeftDialect, func::FuncDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  std::string problem;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    llvm::raw_string_ostream out(problem);
    if (problem.empty()) {
      if (auto place = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
        out << "line " << place.getLine() << ": ";
      out << diagnostic;
    }
    return success();
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, ParserConfig(&context), path);
  if (!module)
    throw std::runtime_error(problem);
  Replay replay;
  replay.graph = exportGraph(*module);
  CompileOptions &options = replay.options;
  if (auto arch = (*module)->getAttrOfType<StringAttr>("weft.cuda_arch")) {
    options.cuda = true;
    options.cudaArch = arch.str();
  }
  if (auto cpu = (*module)->getAttrOfType<StringAttr>("weft.cpu"))
    options.cpu = cpu.str();
  if (auto fuse = (*module)->getAttrOfType<BoolAttr>("weft.fuse"))
    options.fuse = fuse.getValue();
  if (auto steps = (*module)->getAttrOfType<IntegerAttr>("weft.steps"))
    options.steps = int(steps.getInt());
  if (auto symbols = (*module)->getAttrOfType<DenseI64ArrayAttr>("weft.symbol_values"))
    replay.symbols.assign(symbols.asArrayRef().begin(), symbols.asArrayRef().end());
  if (replay.symbols.size() != size_t(replay.graph.symbolCount))
    throw std::runtime_error("the module has " + std::to_string(replay.symbols.size()) +
                             " weft.symbol_values, but @main " + std::to_string(replay.graph.symbolCount) + " symbols");
  auto main = module->lookupSymbol<func::FuncOp>("main");
  replay.values.resize(replay.graph.inputs.size());
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (auto digits = main.getArgAttrOfType<StringAttr>(i, "weft.value"))
      replay.values[i] = valueOf(digits.getValue(), i);
  return replay;
}

} // namespace weft
