#include "passes/Pipeline.h"
#include "ir/Cancel.h"
#include "passes/Decompose.h"
#include "passes/Fusion.h"
#include "passes/Rematerialise.h"
#include "passes/Scan.h"
#include "passes/Simplify.h"

#include "mlir/IR/Verifier.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace weft {

bool debugAsksFor(const char *topic) {
  const char *topics = std::getenv("WEFT_DEBUG");
  size_t length = std::strlen(topic);
  for (const char *at = topics; at && *at;) {
    const char *end = std::strchr(at, ',');
    size_t size = end ? size_t(end - at) : std::strlen(at);
    if (size == length && std::memcmp(at, topic, size) == 0)
      return true;
    at = end ? end + 1 : nullptr;
  }
  return false;
}

void runStep(const char *name, mlir::ModuleOp module, bool print, const std::function<bool()> &step) {
  checkCancelled();
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  bool changed = step();
  double milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
#ifndef NDEBUG
  if (changed && mlir::failed(mlir::verify(module)))
    throw std::runtime_error(std::string("[compiler] the step '") + name +
                             "' made an invalid graph; this is a fault of weft's; please report it with the program");
#endif
  if (!print)
    return;
  llvm::errs() << llvm::format("// ---- %s: %.3f ms%s\n", name, milliseconds, changed ? "" : " (unchanged)");
  if (changed) {
    module.print(llvm::errs());
    llvm::errs() << '\n';
  }
}

const std::vector<std::string> &optionalSteps() {
  static const auto *names =
      new std::vector<std::string>{"simplify", "simplify-scans", "simplify after decompose", "rematerialise", "fusion"};
  return *names;
}

void runPipeline(mlir::ModuleOp module, const PipelineOptions &options) {
  bool print = options.print || debugAsksFor("ir");
  if (print) {
    llvm::errs() << "// ---- captured\n";
    module.print(llvm::errs());
    llvm::errs() << '\n';
  }
  int begun = 0;
  auto mayRun = [&] { return options.steps < 0 || begun++ < options.steps; };
  auto optional = [&](const char *name, const std::function<bool()> &step) {
    if (mayRun())
      runStep(name, module, print, step);
  };
  optional("simplify", [&] { return runSimplify(module); });
  optional("simplify-scans", [&] { return runSimplifyScans(module); });
  runStep("decompose", module, print, [&] { return runDecompose(module); });
  optional("simplify", [&] { return runSimplify(module); });
  if (options.fuse)
    optional("rematerialise", [&] { return runRematerialise(module); });
  bool fuse = options.fuse && mayRun();
  runStep("fusion", module, print, [&] { return runFusion(module, {fuse, options.rowBlocks}); });
}

} // namespace weft
