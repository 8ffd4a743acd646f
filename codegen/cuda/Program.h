// A fused graph to a program for a GPU.
#pragma once
#include "codegen/Compiler.h"
#include "codegen/plan/Plan.h"
#include "mlir/IR/BuiltinOps.h"

namespace weft::cuda {

// `main` as codegen/lower/GraphToKernel.h takes it, as CUDA C++.
struct Source {
  std::string text;
  Plan plan;
};
Source printProgram(mlir::ModuleOp main, const std::string &arch);

// The bytes of a shared object whose weft_program carries the kernels
// as a cubin.
std::string compileProgram(mlir::ModuleOp main, const CompileOptions &options);

} // namespace weft::cuda
