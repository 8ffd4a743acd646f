// The launch plan while it is being made: runtime/Abi.h with C++ containers. GraphToKernel writes it beside the
// kernels, MemoryPlan lays out its temporaries, and a printer (codegen/cpu, codegen/cuda) emits it with the code.
#pragma once
#include "runtime/Abi.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace weft {

// A WeftExtent.
struct Extent {
  int64_t constant = 1;
  std::vector<WeftFactor> factors;

  Extent() = default;
  Extent(int64_t constant) : constant(constant) {}
  bool isStatic() const { return factors.empty(); }
};

struct PlanBuffer {
  int32_t kind = WEFT_TEMPORARY;
  int32_t alias = -1;
  Extent bytes;
  int64_t arenaOffset = -1;
  std::string data; // CONSTANT
};

struct PlanCheck {
  int32_t buffer;
  std::string message;
};

struct PlanControl;

struct PlanStep {
  std::string kernel; // symbol of the kernel.func, or a C function of runtime/extern
  bool isExtern = false;
  std::shared_ptr<PlanControl> control; // runs plans of its own instead of a kernel
  std::string location;
  std::vector<int32_t> buffers;
  std::vector<Extent> scalars;
  Extent grid;
  int64_t grain = 1;
  int64_t scratchBytes = 0;    // filled by the printer
  std::vector<Extent> scratch; // bytes besides
  int32_t batch = 0;
  int32_t blockThreads = 0;
  std::vector<Extent> flops; // their sum
};

struct Plan {
  int32_t symbolCount = 0, inputCount = 0, outputCount = 0;
  std::vector<PlanBuffer> buffers; // inputs, outputs, then the rest
  std::vector<PlanStep> steps;
  int64_t arenaBytes = 0;
  int64_t liveBytes = 0; // of temporaries that are alive at once, at most: a bound for the arena
  int64_t keptBytes = 0;
  int32_t keptSteps = 0;
  std::vector<PlanCheck> checks;
  int32_t checkedSteps = 0;
};

// A WeftControl.
struct PlanControl {
  int32_t kind = WEFT_SCAN, carries = 0, sequences = 0;
  bool reverse = false;
  Extent trips;
  std::vector<Plan> bodies; // one, or two of a branch
};

// A step and what the order of steps and the memory plan must know of it.
struct PlannedStep : PlanStep {
  std::set<int> reads, writes;
  // (read, written): every element of the buffer `read` is read only by the iteration that writes the same place of
  // `written`.
  std::vector<std::pair<int, int>> inPlace;
  enum { Copies, Computes, Multiplies } arithmetic = Copies; // the most that its kernel does
  bool kept = false;                                         // its results are good until a weight changes
};

// What is known of a plan before its steps have an order and its temporaries a place.
struct PlanDraft {
  Plan plan;
  std::vector<PlannedStep> steps;
  std::set<int> weights; // buffers of inputs that seldom change
};

} // namespace weft
