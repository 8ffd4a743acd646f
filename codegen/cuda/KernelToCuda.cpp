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
  int threads, tasksOfBlock;
};

// Blocks that do so many tasks each. Kernels stride, so any grid is right.
Extent blocksFor(Extent tasks, int ofBlock) {
  if (tasks.isStatic())
    return Extent((tasks.constant + ofBlock - 1) / ofBlock);
  if (tasks.constant % ofBlock == 0)
    tasks.constant /= ofBlock;
  else if (tasks.factors.back().divide == 1)
    tasks.factors.back().divide = ofBlock;
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
    step.grid = blocksFor(step.grid, printed.tasksOfBlock);
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

// What is known of the numbers that kernels are launched with.
void findLaunches(const Plan &plan, llvm::StringMap<IndexRanges::Launches> &all) {
  auto rangeOf = [](const Extent &extent) {
    return extent.isStatic() ? MaybeRange(IndexRange{extent.constant, extent.constant}) : std::nullopt;
  };
  auto join = [](MaybeRange &range, MaybeRange other) {
    range = range && other
                ? MaybeRange(IndexRange{std::min(range->least, other->least), std::max(range->most, other->most)})
                : std::nullopt;
  };
  for (const PlanStep &step : plan.steps) {
    if (step.control)
      for (const Plan &body : step.control->bodies)
        findLaunches(body, all);
    if (step.control || step.isExtern)
      continue;
    MaybeRange tasks;
    if (step.grid.isStatic())
      tasks = IndexRange{0, std::max<int64_t>(0, step.grid.constant - 1)};
    auto [at, isNew] = all.try_emplace(step.kernel);
    IndexRanges::Launches &launches = at->second;
    if (isNew) {
      launches.tasks = tasks;
      for (const Extent &scalar : step.scalars)
        launches.scalars.push_back(rangeOf(scalar));
      continue;
    }
    join(launches.tasks, tasks);
    for (auto [range, scalar] : llvm::zip(launches.scalars, step.scalars))
      join(range, rangeOf(scalar));
  }
}

// Scratch that shared memory takes, beside what kernels declare: at most what leaves two blocks room on a large GPU.
int64_t mostShared(const std::string &arch) {
  constexpr int64_t kDeclared = 36 * 1024, kMost = 96 * 1024; // a product's tiles, and a reduction's lanes
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
  bool hasReductions = false, hasProducts = false;
  kernels.walk([&](Operation *op) {
    hasReductions |= isa<kernel::ReduceOp>(op);
    hasProducts |= isa<kernel::ContractOp>(op);
  });
  text += hasReductions ? kReductions : "";
  text += hasProducts ? kProducts : "";
  llvm::StringMap<Printed> all;
  llvm::StringMap<IndexRanges::Launches> launches;
  if (plan)
    findLaunches(*plan, launches);
  for (auto func : kernels.getOps<kernel::FuncOp>()) {
    KernelPrinter printer(func, mostShared(arch), launches[func.getSymName()]);
    text += "\n" + printer.text;
    all[func.getSymName()] = {printer.scratchBytes, printer.scratchIsGlobal, printer.strides, printer.threads,
                              printer.tasksOfBlock()};
  }
  if (plan)
    finishAll(*plan, all);
  return text;
}

} // namespace weft::cuda
