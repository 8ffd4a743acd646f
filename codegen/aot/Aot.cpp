#include "codegen/aot/Aot.h"

#include "codegen/aot/AotModel.h"
#include "codegen/aot/EntryPoints.h"
#include "codegen/aot/WriteFile.h"
#include "codegen/cpu/Link.h"
#include "codegen/cpu/Program.h"
#include "codegen/lower/GraphToKernel.h"
#include "ir/GraphIR.h"
#include "passes/Pipeline.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <stdexcept>

using namespace weft;

namespace {

// The run time for the target's architecture.
std::string runtimeArchive(const std::string &folder, const cpu::Architecture &architecture) {
  if (&architecture == &cpu::Architecture::host())
    return folder + "/libweft_runtime.a";
  std::string library = std::string("weft_runtime_") + architecture.name, path = folder + "/lib" + library + ".a";
  if (!llvm::sys::fs::exists(path))
    throw std::runtime_error("there is no run time for " + std::string(architecture.name) + " at " + path +
                             "; install Debian's libstdc++-12-dev-" + architecture.debianName +
                             "-cross and build it: tools/dev build " + library);
  return path;
}

} // namespace

std::string weft::buildModel(mlir::ModuleOp module, const AotOptions &options, const std::string &path) {
  Graph graph = exportGraph(module);
  AotModel model = AotModel::read(module, graph, options);
  cpu::Target target = cpu::Target::find(options.cpu);
  model.interface.target = target.name();
  runPipeline(module);
  Lowered lowered = lowerToKernels(module, cpu::scheduleTarget(target));
  std::vector<std::string> objects{cpu::programObject(*lowered.kernels, lowered.plan, target, cpu::Externs::Linked),
                                   entryObject(model, target)};

  const std::string &name = options.name, libraries = target.architecture->libraries;
  std::string exports = "{ global: ";
  for (const char *function : {"run", "error", "load", "create", "destroy", "state", "seed"})
    exports += name + "_" + function + "; ";
  exports += "weft_model_interface; local: *; };\n";
  std::vector<std::string> arguments{"-z",
                                     "undefs",
                                     "-z",
                                     "nodelete",
                                     "--gc-sections",
                                     "--eh-frame-hdr", // without it no exception of the run time is ever caught
                                     "--undefined-version",
                                     runtimeArchive(options.runtimeFolder, *target.architecture),
                                     "-L/usr/lib/" + libraries,
                                     "-L/lib/" + libraries,
                                     "-L/usr/" + libraries + "/lib", // of a cross compiler
                                     "-L/usr/lib64",
                                     "-l:libstdc++.so.6",
                                     "-l:libc.so.6",
                                     "-l:libm.so.6",
                                     "-l:libgcc_s.so.1"};
  if (target.architecture->triple.isAArch64()) // whose libc.so.6 lacks pthread_atfork
    arguments.push_back("-l:libc_nonshared.a");
  if (!model.weightsPath.empty() && !model.interface.externalWeights)
    arguments.insert(arguments.end(), {"--format=binary", model.weightsPath, "--format=default"});
  writeFile(path, cpu::linkShared(objects, arguments, exports));
  return headerText(model.interface);
}
