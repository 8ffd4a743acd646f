// From groups (passes/Fusion.h) to kernels and the plan that launches them.
#pragma once
#include "codegen/plan/Plan.h"
#include "codegen/schedule/CostModel.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace weft {

struct Lowered {
  mlir::OwningOpRef<mlir::ModuleOp> kernels; // kernel.func ops, no two alike
  Plan plan;
};

// `main` holds one func.func of `weft.group` ops; an op outside of any is taken as a group of its own, which a
// composite cannot be.
Lowered lowerToKernels(mlir::ModuleOp main, const Target &target, const CostModel &model = {});

// The plan as comments for people, one line a buffer and a step.
std::string toString(const Plan &plan);
// The arena's size beside what is alive at once, which is the least it could be.
std::string memoryReport(const Plan &plan);

} // namespace weft
