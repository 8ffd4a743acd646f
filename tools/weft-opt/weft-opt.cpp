// weft's passes on textual IR, as mlir-opt does for MLIR's: weft-opt --weft-simplify --weft-fusion graph.mlir. And
// weft-opt --replay program.mlir: a program with all that it was compiled by and given, once more.
#include "codegen/aot/CommandLine.h"
#include "codegen/aot/WriteFile.h"
#include "codegen/lower/Passes.h"
#include "ir/WeftDialect.h"
#include "ir/kernel/KernelDialect.h"
#include "passes/Pipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Support/Timing.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <unistd.h>
#include <vector>

namespace cl = llvm::cl;

static cl::OptionCategory category("weft-opt options");
static cl::opt<std::string> input(cl::Positional, cl::desc("<graph.mlir>"), cl::init("-"), cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("The file to write; standard output if not given"),
                                   cl::value_desc("file"), cl::init("-"), cl::cat(category));

static cl::opt<bool> replays("replay",
                             cl::desc("Compile the program as the file says, and write its shared object to the "
                                      "output; without one run it, and say whether its bits are those of its ops "
                                      "one by one (exit status 0) or not (1)"),
                             cl::cat(category));

static int fail(const std::string &message) {
  llvm::errs() << "weft-opt: " << message << "\n";
  return 1;
}

// MLIR's own options, of which the most useful are shown.
static void registerOptions(mlir::DialectRegistry &registry) {
  mlir::MlirOptMainConfig::registerCLOptions(registry);
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  auto &options = cl::getRegisteredOptions();
  for (const char *name : {"pass-pipeline", "split-input-file", "verify-diagnostics", "mlir-print-ir-after-all",
                           "mlir-print-op-generic", "mlir-timing", "weft-pipeline"})
    options.find(name)->second->addCategory(category);
}

// By weft-reduce, which lies beside this program: what runs code is another library, of which LLVM has no part.
static int replay(std::vector<char *> arguments) {
  std::string reduce = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "weft-reduce";
  arguments.push_back(nullptr);
  execv(reduce.c_str(), arguments.data());
  return fail(reduce + ": " + std::strerror(errno));
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  mlir::DialectRegistry registry;
  registry.insert<mlir::func::FuncDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, weft::WeftDialect,
                  weft::kernel::KernelDialect>();
  weft::registerPasses();
  weft::registerCodegenPasses();
  registerOptions(registry);
  weft::parseCommandLine(argc, argv, category,
                         "weft-opt: runs weft's passes on graphs in textual form, or a program once more\n");
  if (replays)
    return replay({argv, argv + argc});
  mlir::MlirOptMainConfig config = mlir::MlirOptMainConfig::createFromCLOptions();
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> text = mlir::openInputFile(input, &error);
  if (!text)
    return fail(error);
  if (output == "-") // what passes print stands where they ran
    return mlir::asMainReturnCode(mlir::MlirOptMain(llvm::outs(), std::move(text), registry, config));
  try {
    weft::checkNoSource(output, {input});
    std::string result;
    llvm::raw_string_ostream stream(result);
    if (failed(mlir::MlirOptMain(stream, std::move(text), registry, config)))
      return 1;
    weft::writeFile(output, result);
  } catch (const std::exception &problem) {
    return fail(problem.what());
  }
  return 0;
}
