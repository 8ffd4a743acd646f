// weft-translate --emit=llvm-opt --cpu=x86-64-v3 kernels.mlir: textual kernel IR in, what it becomes out. With
// --emit=stablehlo or --emit=cuda a graph in textual form (what weft.export writes), with its weights as arguments.
#include "codegen/aot/CommandLine.h"
#include "codegen/aot/WriteFile.h"
#include "codegen/cpu/Link.h"
#include "codegen/cpu/Program.h"
#include "codegen/cuda/KernelToCuda.h"
#include "codegen/cuda/Nvrtc.h"
#include "codegen/cuda/Program.h"
#include "codegen/lower/GraphToKernel.h"
#include "codegen/stablehlo/StableHlo.h"
#include "ir/WeftDialect.h"
#include "ir/kernel/KernelDialect.h"
#include "passes/Pipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>

using namespace llvm;

static cl::OptionCategory category("weft-translate options");
static cl::opt<std::string> input(cl::Positional, cl::init("-"), cl::desc("<kernels.mlir>"), cl::cat(category));
enum class Form { Kernel, LLVM, OptimizedLLVM, Assembly, SharedObject, StableHlo, Cuda, Cubin };
static cl::opt<Form>
    emitted("emit", cl::desc("What to write:"), cl::init(Form::LLVM), cl::cat(category),
            cl::values(clEnumValN(Form::Kernel, "kernel", "kernel IR, as read"),
                       clEnumValN(Form::LLVM, "llvm", "LLVM IR as the writer leaves it, if nothing is given"),
                       clEnumValN(Form::OptimizedLLVM, "llvm-opt", "LLVM IR after our passes"),
                       clEnumValN(Form::Assembly, "asm", "assembly"),
                       clEnumValN(Form::SharedObject, "so", "a shared object that exports every kernel"),
                       clEnumValN(Form::StableHlo, "stablehlo", "a graph of the dialect weft as StableHLO"),
                       clEnumValN(Form::Cuda, "cuda", "a graph as CUDA C++, its launch plan as comments"),
                       clEnumValN(Form::Cubin, "cubin", "a graph as a cubin")));
static cl::opt<std::string>
    cpu("cpu", cl::desc("LLVM's name of the processor, such as x86-64-v3; this machine's if not given"),
        cl::cat(category));
static cl::opt<std::string> arch("arch", cl::desc("The GPU architecture of cuda and cubin"), cl::init("sm_90"),
                                 cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("The file to write; standard output if not given"),
                                   cl::value_desc("file"), cl::init("-"), cl::cat(category));
static cl::opt<bool> timing("time", cl::desc("Print the milliseconds of each step on standard error"),
                            cl::cat(category));

static bool takesGraph() { return emitted == Form::StableHlo || emitted == Form::Cuda || emitted == Form::Cubin; }

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
  if (emitted == Form::StableHlo)
    return weft::printStableHlo(kernels, {});
  if (takesGraph()) {
    weft::PipelineOptions pipeline;
    pipeline.rowBlocks = false;
    weft::runPipeline(kernels, pipeline);
    lap("passes");
    weft::cuda::Source source = weft::cuda::printProgram(kernels, arch);
    lap("print");
    if (emitted == Form::Cuda)
      return toString(source.plan) + source.text;
    std::string cubin = weft::cuda::compileToCubin(source.text, arch);
    lap("nvrtc");
    return cubin;
  }
  if (emitted == Form::Kernel) {
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
  if (emitted != Form::LLVM)
    weft::cpu::optimize(*module, target);
  lap("optimize");
  if (emitted == Form::Assembly)
    return weft::cpu::emitAssembly(*module, target);
  if (emitted == Form::SharedObject) {
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
  weft::parseCommandLine(argc, argv, category,
                         "weft-translate: kernel IR in textual form to LLVM IR, assembly or a shared object, graphs to "
                         "StableHLO or CUDA\n");
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<weft::kernel::KernelDialect, mlir::arith::ArithDialect, mlir::math::MathDialect>();
  if (takesGraph())
    context.loadDialect<weft::WeftDialect, mlir::func::FuncDialect>();
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(input, &context);
  if (!module)
    return 1;
  try {
    std::string path = output; // lld forgets the options of the command line
    weft::checkNoSource(path, {input});
    weft::writeFile(path, translate(*module));
  } catch (const std::exception &error) {
    errs() << "weft-translate: " << error.what() << '\n';
    return 1;
  }
}
