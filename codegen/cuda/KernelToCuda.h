// Prints kernels as CUDA C++. A task of the grid is a block, which strides over tasks; the iterations of a lane loop
// are its threads. What stands outside of lane loops is computed by all threads alike, and stored by the first. A
// kernel that is one lane loop over all tasks strides over them by threads instead.
//
//   extern "C" __global__ void name(T0 *b0, ..., long long s0, ..., long long tasks)
#pragma once
#include "codegen/plan/Plan.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace weft::cuda {

// The whole program's source. Fills in each step's block size and shared memory; scratch memory beyond a
// block's shared memory becomes a buffer. A step whose kernel strides by threads, or has such a buffer for each block,
// gets its number of tasks as a further scalar and a smaller grid. Without a plan the kernels alone are printed.
// arch: "sm_90".
std::string printKernels(mlir::ModuleOp kernels, Plan *plan, const std::string &arch);

} // namespace weft::cuda
