#include "codegen/aot/Command.h"
#include "codegen/aot/Aot.h"
#include "codegen/aot/CommandLine.h"
#include "codegen/aot/Header.h"
#include "codegen/aot/WriteFile.h"
#include "ir/OpTable.h"
#include "ir/WeftDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace weft {
namespace {

enum class Weights { Embedded, External };

// No static objects: a library has no options but while it is a program.
struct CommandOptions {
  cl::OptionCategory category{"weft-aot options"};
  cl::opt<std::string> input{cl::Positional, cl::desc("<model.mlir>"), cl::Required, cl::cat(category)};
  cl::opt<std::string> output{"o", cl::desc("The shared object to write"), cl::value_desc("file"), cl::Required,
                              cl::cat(category)};
  cl::opt<std::string> header{"header", cl::desc("The C header to write"), cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> name{"name", cl::desc("Prefix of the C functions; the output's name if not given"),
                            cl::cat(category)};
  cl::opt<std::string> weightsFile{"weights-file",
                                   cl::desc("The safetensors file; the one that the module names if not given"),
                                   cl::value_desc("file"), cl::cat(category)};
  cl::opt<Weights> weights{
      "weights", cl::desc("Where the weights are when the model runs:"), cl::init(Weights::Embedded),
      cl::values(clEnumValN(Weights::Embedded, "embedded", "in the shared object"),
                 clEnumValN(Weights::External, "external", "in the safetensors file, which NAME_load() maps")),
      cl::cat(category)};
  cl::opt<std::string> cpu{
      "cpu", cl::desc("LLVM's name of the processor, such as x86-64-v3 or neoverse-n1; this machine's if not given"),
      cl::cat(category)};
  cl::list<std::string> sizes{"size", cl::desc("Of a .onnx file: a size that it leaves open, such as batch=8"),
                              cl::value_desc("name=number"), cl::cat(category)};
};

int fail(const std::string &message) {
  llvm::errs() << "weft-aot: " << message << "\n";
  return 1;
}

} // namespace

int aotCommand(int argc, char **argv, const std::string &runtimeFolder) {
  static CommandOptions given;
  parseCommandLine(argc, argv, given.category,
                   "weft-aot: a graph in textual form to a shared object with a C interface\n");
  if (!given.sizes.empty()) // Python's part of the command has taken those that mean something
    return fail("--size is for .onnx files, which the command of the installed package takes");
  // Linking resets the options of the process.
  const std::string input = given.input, outputFile = given.output, headerFile = given.header;
  mlir::DialectRegistry registry;
  registry.insert<WeftDialect, mlir::func::FuncDialect>();
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::parseSourceFile<mlir::ModuleOp>(input, &context);
  if (!module)
    return 1; // the parser has said why, with the line

  AotOptions options;
  options.name = given.name.empty() ? cIdentifier(llvm::sys::path::stem(outputFile).str()) : given.name.getValue();
  if (options.name != cIdentifier(options.name))
    return fail("--name '" + options.name + "' is no C identifier; use letters, digits and _");
  options.source = llvm::sys::path::filename(input).str();
  options.externalWeights = given.weights == Weights::External;
  options.cpu = given.cpu;
  options.runtimeFolder = runtimeFolder;
  if (!given.weightsFile.empty()) {
    options.weightsPath = given.weightsFile;
  } else if (auto named = (*module)->getAttrOfType<mlir::StringAttr>("weft.weights")) {
    llvm::SmallString<256> path(llvm::sys::path::parent_path(input));
    llvm::sys::path::append(path, named.getValue());
    options.weightsPath = path.str().str();
  }
  try {
    checkNoSource(outputFile, {input, options.weightsPath});
    checkNoSource(headerFile, {input, options.weightsPath});
    if (outputFile == headerFile)
      return fail("the shared object and the header cannot both be " + outputFile);
    std::string header = buildModel(*module, options, outputFile);
    if (!headerFile.empty())
      writeFile(headerFile, header);
  } catch (const std::exception &error) {
    return fail(error.what());
  }
  return 0;
}

} // namespace weft
