// weft-translate: textual kernel IR in, what it becomes out.
//
//   weft-translate --emit=llvm kernel.mlir           LLVM IR as the writer leaves it
//   weft-translate --emit=llvm-opt --cpu=x86-64-v3   ... after our passes
//   weft-translate --emit=asm                        assembly
//   weft-translate --emit=so -o kernel.so            a shared object that exports every kernel (for tests)
#include "codegen/cpu/Link.h"
#include "codegen/cpu/Program.h"
#include "ir/kernel/KernelDialect.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

#include <chrono>

using namespace llvm;

static cl::opt<std::string> input(cl::Positional, cl::init("-"), cl::desc("<kernel IR>"));
static cl::opt<std::string> emitted("emit", cl::init("llvm"), cl::desc("kernel, llvm, llvm-opt, asm or so"));
static cl::opt<std::string> cpu("cpu", cl::desc("LLVM's name of the CPU; this machine's if none is given"));
static cl::opt<std::string> output("o", cl::init("-"), cl::desc("where to write"));
static cl::opt<bool> timing("time", cl::desc("print the milliseconds of each step on stderr"));

static std::string translate(mlir::ModuleOp kernels) {
  using Clock = std::chrono::steady_clock;
  auto last = Clock::now();
  auto lap = [&](const char *step) {
    auto now = Clock::now();
    if (timing)
      errs() << step << ' ' << std::chrono::duration<double, std::milli>(now - last).count() << " ms\n";
    last = Clock::now();
  };
  std::string text;
  raw_string_ostream out(text);
  if (emitted == "kernel") {
    kernels.print(out);
    return text;
  }
  weft::cpu::Target target = weft::cpu::Target::find(cpu);
  lap("target");
  LLVMContext context;
  std::unique_ptr<Module> module = weft::cpu::writeKernels(kernels, target, context, nullptr);
  for (auto kernel : kernels.getOps<weft::kernel::FuncOp>())
    module->getFunction(kernel.getSymName())->setLinkage(GlobalValue::ExternalLinkage);
  lap("write");
  if (emitted != "llvm")
    weft::cpu::optimize(*module, target);
  lap("optimize");
  if (emitted == "asm")
    return weft::cpu::emitAssembly(*module, target);
  if (emitted == "so") {
    std::string object = weft::cpu::emitObject(*module, target);
    lap("object");
    std::string bytes = weft::cpu::linkShared({object});
    lap("link");
    return bytes;
  }
  module->print(out, nullptr);
  return text;
}

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv, "kernel IR to LLVM IR, assembly or a shared object\n");
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<weft::kernel::KernelDialect, mlir::arith::ArithDialect, mlir::math::MathDialect>();
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(input, &context);
  if (!module)
    return 1;
  try {
    std::string path = output; // lld forgets the options of the command line
    std::string result = translate(*module);
    std::error_code error;
    ToolOutputFile file(path, error, sys::fs::OF_None);
    if (error) {
      errs() << "weft-translate: cannot write " << path << ": " << error.message() << '\n';
      return 1;
    }
    file.os() << result;
    file.keep();
  } catch (const std::exception &error) {
    errs() << "weft-translate: " << error.what() << '\n';
    return 1;
  }
}
