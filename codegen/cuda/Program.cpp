#include "codegen/cuda/Program.h"
#include "codegen/cpu/Program.h"
#include "codegen/cuda/KernelToCuda.h"
#include "codegen/cuda/Nvrtc.h"
#include "codegen/lower/GraphToKernel.h"

namespace weft::cuda {

std::string compileProgram(mlir::ModuleOp main, const CompileOptions &options) {
  weft::Target target;
  target.name = "cuda";
  target.gpu = true;
  Lowered lowered = lowerToKernels(main, target);
  std::string source = printKernels(*lowered.kernels, &lowered.plan, options.cudaArch);
  std::string cubin = compileToCubin(source, options.cudaArch);
  return cpu::wrapProgram(lowered.plan, cubin, options.cudaArch + " by NVRTC " + nvrtcVersion(),
                          cpu::Target::find(options.cpu));
}

} // namespace weft::cuda
