#include "codegen/cuda/Program.h"
#include "codegen/cpu/Program.h"
#include "codegen/cuda/KernelToCuda.h"
#include "codegen/cuda/Nvrtc.h"
#include "codegen/lower/GraphToKernel.h"

namespace weft::cuda {

Source printProgram(mlir::ModuleOp main, const std::string &arch) {
  weft::Target target;
  target.name = "cuda";
  target.gpu = true;
  Lowered lowered = lowerToKernels(main, target);
  std::string text = printKernels(*lowered.kernels, &lowered.plan, arch);
  return {std::move(text), std::move(lowered.plan)};
}

std::string compileProgram(mlir::ModuleOp main, const CompileOptions &options) {
  Source source = printProgram(main, options.cudaArch);
  std::string cubin = compileToCubin(source.text, options.cudaArch);
  return cpu::wrapProgram(source.plan, cubin, options.cudaArch + " by NVRTC " + nvrtcVersion(),
                          cpu::Target::find(options.cpu));
}

} // namespace weft::cuda
