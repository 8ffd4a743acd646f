// What happens to a graph between capture (or autodiff) and code generation, as one list of steps.
#pragma once
#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <string>
#include <vector>

namespace weft {

struct PipelineOptions {
  bool fuse = true;      // false: every op is a kernel of its own
  bool rowBlocks = true; // see FusionOptions; false for GPUs, which need a task a row to be busy
  // Only the first so many of optionalSteps() run; -1: all. The results' bits are the same, or the last of them is at
  // fault (frontend/trace/ProgramCheck.h).
  int steps = -1;
  // With WEFT_DEBUG=ir the module is printed to stderr after each step, with the step's time.
  bool print = false;
};

// Whether the environment variable WEFT_DEBUG lists `topic` (topics are separated by commas).
bool debugAsksFor(const char *topic);

// The names of the steps without which programs are slower and nothing else, in the order in which they run.
const std::vector<std::string> &optionalSteps();

// simplify, decompose, simplify, fusion. Afterwards the main function holds nothing but `weft.group` ops.
void runPipeline(mlir::ModuleOp module, const PipelineOptions &options = {});

// Runs one named step, which returns whether it changed anything, and reports it as runPipeline does.
void runStep(const char *name, mlir::ModuleOp module, bool print, const std::function<bool()> &step);

// Registers every pass for weft-opt: --weft-simplify, --weft-decompose, --weft-autodiff, --weft-forward,
// --weft-batch, --weft-fusion, --weft-pipeline.
void registerPasses();

} // namespace weft
