// Schedules turn a fused group (passes/Fusion.h) into kernels and the steps that launch them: which loop runs over
// what, what a task is, what is kept in scratch memory. They decide the speed, never the bits.
#pragma once
#include "codegen/evaluate/Evaluator.h"
#include "codegen/schedule/CostModel.h"
#include "codegen/schedule/Target.h"

namespace weft {

// A group, or an op outside of any as a group of its own.
struct Group {
  mlir::Operation *op;
  std::vector<std::pair<mlir::Value, mlir::Value>> inputs; // as seen inside, and outside
  std::vector<mlir::Value> results;                        // inside
  std::vector<mlir::Value> outside;                        // the same, as the main function sees them
  std::vector<mlir::Operation *> ops;                      // inside, in order
};

// What the functions of a program share: their kernels.
struct Kernels {
  mlir::ModuleOp module;
  std::map<std::string, std::string> known; // names by their text
};

// Everything that is made while one function is lowered.
class Lowering : public PlanDraft {
public:
  Lowering(Kernels &shared, const Target &target, const CostModel &model)
      : shared(shared), kernels(shared.module), target(target), model(model) {}

  Kernels &shared;
  mlir::ModuleOp kernels;
  const Target &target;
  const CostModel &model;
  llvm::DenseMap<mlir::Value, Storage> values; // of the function
  TypicalSizes typicalSizes;                   // of symbols

  int64_t estimate(const Size &size) const { return size.estimate(typicalSizes); }
  int addBuffer(int32_t kind, const Sizes &shape, mlir::Type element);
  Storage temporary(const Sizes &shape, mlir::Type element);
  // The group's inputs by the values that stand for them inside.
  llvm::DenseMap<mlir::Value, Storage> inputs(const Group &group);
  const Storage &result(const Group &group, size_t index) { return values.find(group.outside[index])->second; }
  // Operations of the op's scalar body, as a measure of its cost.
  int scalarCost(mlir::Operation *op);

  // Ends a kernel, which may turn out to be one that exists already, and adds the step that launches `grid` tasks of
  // it.
  void finish(class Kernel &kernel, const Group &group, const Size &grid, int64_t grain);

private:
  std::map<int, int> costs;
};

// A kernel of a group: its builder, an evaluator that knows the group's inputs, and the stores.
class Kernel {
public:
  Kernel(Lowering &lowering, const Group &group);

  KernelBuilder k;
  Evaluator e;
  std::vector<std::pair<int, mlir::Value>> writes;
  bool mayRunInPlace = true;
  std::string suffix; // of the name

  // Stores the group's result (or a temporary) of the given storage, at a point of its shape.
  void store(Scalar value, const Storage &to, const Point &point);
};

// The group's kind (passes/Fusion.h), or what an op outside of any is scheduled as.
std::string groupKind(const Group &group);
// "model.py:12 add, relu": where the group comes from and what it does.
std::string stepLocation(const Group &group);
void scheduleLoop(Lowering &lowering, const Group &group);
// Of loops that read a tensor across its rows; false if this one does not. `wanted` are the boundaries of the loop's
// shape, `body` evaluates and stores the results at a point.
bool scheduleTransposed(Lowering &lowering, const Group &group, const Sizes &shape, Boundaries wanted,
                        llvm::function_ref<void(Kernel &kernel, const Point &point)> body);
// Of loops whose results are the greatest elements of windows in several rows; false if there are none.
bool scheduleWindows(Lowering &lowering, const Group &group, const Sizes &shape,
                     llvm::function_ref<void(Kernel &kernel, const Point &point)> body);
void scheduleRow(Lowering &lowering, const Group &group);
// Of rows so short that a lane each is better than a vector each; false if these are none. A row is the dimensions of
// `space` from `outer` on.
bool scheduleShortRows(Lowering &lowering, const Group &group, const Sizes &space, int outer);
// On a GPU: reductions over columns, and rows that are few and long or whose columns are reduced as well. False if
// these are neither.
void scheduleColumnForGpu(Lowering &lowering, const Group &group);
bool scheduleRowForGpu(Lowering &lowering, const Group &group, const Sizes &space, int outer);
// Whether a reduction is over the row of its operand; the others of a group of rows are over its columns.
bool reducesRow(mlir::Operation *op);
void scheduleColumn(Lowering &lowering, const Group &group);
// What is left of reductions over columns, these results of a group, when the rows of each lane of the canonical order
// (ir/kernel/CanonicalOrder.h) are reduced: `lanes` is blocks x order::kPositions x columns of each result.
void scheduleLanesOfColumns(Lowering &lowering, const Group &group, llvm::ArrayRef<size_t> results,
                            const std::vector<Storage> &lanes);
void scheduleReduction(Lowering &lowering, const Group &group);
void scheduleContraction(Lowering &lowering, const Group &group);
void scheduleConvolution(Lowering &lowering, const Group &group, mlir::Operation *op);
// Whether a convolution reads and writes images whose channels are last; others must not meet them.
bool takesChannelsLast(mlir::Operation *conv, const Target &target);
void scheduleScatter(Lowering &lowering, const Group &group);
void scheduleScan(Lowering &lowering, const Group &group);
void scheduleSegments(Lowering &lowering, const Group &group);
// The elements of an operand of the group's in row-major order: where they lie, or copied.
Storage inOrder(Lowering &lowering, const Group &group, mlir::Value value, const Storage &storage);
// A C function of runtime/extern, on operands that are copied first where they are not contiguous.
void scheduleExtern(Lowering &lowering, const Group &group);

// The costly values of a row's shape that more than one loop over the row would compute, in order: each reduction is
// such a loop, and one loop computes `last`.
llvm::SmallVector<mlir::Value> sharedRowValues(Lowering &lowering, const Group &group, const Sizes &space,
                                               llvm::ArrayRef<mlir::Value> last);

// The cost of everything in the group, for one element.
int64_t groupCost(Lowering &lowering, const Group &group);

} // namespace weft
