#include "codegen/cuda/KernelToCuda.h"
#include "codegen/cuda/KernelPrinter.h"
#include "codegen/cuda/Prelude.h"

#include "ir/kernel/CanonicalOrder.h"
#include "llvm/ADT/StringMap.h"

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

void finish(Plan &plan, PlanStep &step, const Printed &printed) {
  step.blockThreads = printed.threads;
  step.scratchBytes = printed.scratchBytes;
  if (printed.scratchIsGlobal) {
    PlanBuffer memory;
    memory.bytes = step.grid;
    memory.bytes.constant *= printed.scratchBytes;
    step.buffers.push_back(int32_t(plan.buffers.size()));
    plan.buffers.push_back(memory);
    step.scratchBytes = 0;
  }
  if (printed.strides) {
    step.scalars.push_back(step.grid);
    step.grid = blocksFor(step.grid, printed.threads);
  }
}

} // namespace

std::string printKernels(ModuleOp kernels, Plan *plan) {
  std::string text;
  for (auto [name, value] : {std::pair("weftBlock", order::kBlock), std::pair("weftProductBlock", order::kProductBlock),
                             std::pair("weftProductGroup", order::kProductGroup)})
    text += "constexpr long long " + std::string(name) + " = " + std::to_string(value) + ";\n";
  text += kPrelude;
  llvm::StringMap<Printed> all;
  for (auto func : kernels.getOps<kernel::FuncOp>()) {
    KernelPrinter printer(func);
    text += "\n" + printer.text;
    all[func.getSymName()] = {printer.scratchBytes, printer.scratchIsGlobal, printer.strides, printer.threads};
  }
  if (plan)
    for (PlanStep &step : plan->steps)
      finish(*plan, step, all.find(step.kernel)->second);
  return text;
}

} // namespace weft::cuda
