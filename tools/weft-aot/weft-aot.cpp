// weft-aot model.mlir -o model.so --header model.h: a model without Python.
#include "codegen/aot/Aot.h"
#include "codegen/aot/Header.h"
#include "codegen/aot/WriteFile.h"
#include "ir/OpTable.h"
#include "ir/WeftDialect.h"
#include "tools/CommandLine.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

static cl::OptionCategory category("weft-aot options");
static cl::opt<std::string> input(cl::Positional, cl::desc("<model.mlir>"), cl::Required, cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("The shared object to write"), cl::value_desc("file"), cl::Required,
                                   cl::cat(category));
static cl::opt<std::string> headerPath("header", cl::desc("The C header to write"), cl::value_desc("file"),
                                       cl::cat(category));
static cl::opt<std::string> name("name", cl::desc("Prefix of the C functions; the output's name if not given"),
                                 cl::cat(category));
static cl::opt<std::string> weightsFile("weights-file",
                                        cl::desc("The safetensors file; the one that the module names if not given"),
                                        cl::value_desc("file"), cl::cat(category));
enum class Weights { Embedded, External };
static cl::opt<Weights>
    weights("weights", cl::desc("Where the weights are when the model runs:"), cl::init(Weights::Embedded),
            cl::values(clEnumValN(Weights::Embedded, "embedded", "in the shared object"),
                       clEnumValN(Weights::External, "external", "in the safetensors file, which NAME_load() maps")),
            cl::cat(category));
static cl::opt<std::string>
    cpu("cpu", cl::desc("LLVM's name of the processor, such as x86-64-v3 or neoverse-n1; this machine's if not given"),
        cl::cat(category));

static int fail(const std::string &message) {
  llvm::errs() << "weft-aot: " << message << "\n";
  return 1;
}

int main(int argc, char **argv) {
  weft::parseCommandLine(argc, argv, category,
                         "weft-aot: a graph in textual form to a shared object with a C interface\n");
  const std::string outputFile = output, headerFile = headerPath; // linking resets the options of the process
  mlir::DialectRegistry registry;
  registry.insert<weft::WeftDialect, mlir::func::FuncDialect>();
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::parseSourceFile<mlir::ModuleOp>(input, &context);
  if (!module)
    return 1; // the parser has said why, with the line
  std::string executable = llvm::sys::fs::getMainExecutable(argv[0], reinterpret_cast<void *>(&main));

  weft::AotOptions options;
  options.name = name.empty() ? weft::cIdentifier(llvm::sys::path::stem(output).str()) : name.getValue();
  if (options.name != weft::cIdentifier(options.name))
    return fail("--name '" + options.name + "' is no C identifier; use letters, digits and _");
  options.source = llvm::sys::path::filename(input).str();
  options.externalWeights = weights == Weights::External;
  options.cpu = cpu;
  options.runtimeFolder = llvm::sys::path::parent_path(executable).str();
  if (!weightsFile.empty()) {
    options.weightsPath = weightsFile;
  } else if (auto named = (*module)->getAttrOfType<mlir::StringAttr>("weft.weights")) {
    llvm::SmallString<256> path(llvm::sys::path::parent_path(input));
    llvm::sys::path::append(path, named.getValue());
    options.weightsPath = path.str().str();
  }
  try {
    weft::checkNoSource(outputFile, {input, options.weightsPath});
    weft::checkNoSource(headerFile, {input, options.weightsPath});
    if (outputFile == headerFile)
      return fail("the shared object and the header cannot both be " + outputFile);
    std::string header = weft::buildModel(*module, options, outputFile);
    if (!headerFile.empty())
      weft::writeFile(headerFile, header);
  } catch (const std::exception &error) {
    return fail(error.what());
  }
  return 0;
}
