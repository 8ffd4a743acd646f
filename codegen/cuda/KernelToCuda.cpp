#include "codegen/cuda/KernelToCuda.h"
#include "codegen/cuda/KernelPrinter.h"
#include "codegen/cuda/Prelude.h"

#include "ir/kernel/CanonicalOrder.h"
#include "llvm/ADT/StringMap.h"

#include <map>

using namespace mlir;

namespace weft::cuda {

namespace {

struct Printed {
  int64_t scratchBytes;
  bool scratchIsGlobal, strides;
  int threads;
};

// About a thread for each task. Kernels stride, so any grid is right.
Extent blocksFor(Extent tasks, int threads) {
  if (tasks.isStatic())
    return Extent((tasks.constant + threads - 1) / threads);
  if (tasks.constant % threads == 0)
    tasks.constant /= threads;
  else if (tasks.factors.back().divide == 1)
    tasks.factors.back().divide = threads;
  return tasks;
}

// What scratch in global memory is made for: as many as are at work at once on a large GPU.
constexpr int64_t kMostBlocks = 512;

void finish(Plan &plan, PlanStep &step, const Printed &printed) {
  step.blockThreads = printed.threads;
  step.scratchBytes = printed.scratchBytes;
  if (printed.scratchIsGlobal) {
    step.scalars.push_back(step.grid);
    step.grid = step.grid.isStatic() ? std::min(step.grid.constant, kMostBlocks) : kMostBlocks;
    PlanBuffer memory;
    memory.bytes = step.grid.constant * printed.scratchBytes;
    step.buffers.push_back(int32_t(plan.buffers.size()));
    plan.buffers.push_back(memory);
    step.scratchBytes = 0;
  } else if (printed.strides) {
    step.scalars.push_back(step.grid);
    step.grid = blocksFor(step.grid, printed.threads);
  }
}

void finishAll(Plan &plan, const llvm::StringMap<Printed> &all) {
  for (PlanStep &step : plan.steps)
    if (step.control)
      for (Plan &body : step.control->bodies)
        finishAll(body, all);
    else if (!step.isExtern)
      finish(plan, step, all.find(step.kernel)->second);
}

// Scratch that shared memory takes, beside what kernels declare: at most what leaves two blocks room on a large GPU.
int64_t mostShared(const std::string &arch) {
  constexpr int64_t kDeclared = 20 * 1024, kMost = 96 * 1024; // a product's tiles of float64, and a reduction's lanes
  static const std::map<std::string, int64_t> small = {{"sm_75", 64}, {"sm_86", 99}, {"sm_89", 99}, {"sm_120", 99}};
  auto found = small.find(arch);
  return found == small.end() ? kMost : std::min(kMost, found->second * 1024 - kDeclared);
}

} // namespace

std::string printKernels(ModuleOp kernels, Plan *plan, const std::string &arch) {
  std::string text;
  for (auto [name, value] : {std::pair("weftBlock", order::kBlock), std::pair("weftProductBlock", order::kProductBlock),
                             std::pair("weftProductGroup", order::kProductGroup)})
    text += "constexpr long long " + std::string(name) + " = " + std::to_string(value) + ";\n";
  text += kPrelude;
  llvm::StringMap<Printed> all;
  for (auto func : kernels.getOps<kernel::FuncOp>()) {
    KernelPrinter printer(func, mostShared(arch));
    text += "\n" + printer.text;
    all[func.getSymName()] = {printer.scratchBytes, printer.scratchIsGlobal, printer.strides, printer.threads};
  }
  if (plan)
    finishAll(*plan, all);
  return text;
}

} // namespace weft::cuda
