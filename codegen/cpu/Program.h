// Kernels and a launch plan to a shared object, on a CPU.
#pragma once
#include "codegen/cpu/Target.h"
#include "codegen/plan/Plan.h"
#include "codegen/schedule/Target.h"

#include "mlir/IR/BuiltinOps.h"

namespace weft::cpu {

// Writes every kernel.func of `kernels` into a new LLVM module and notes what scratch memory each step needs in `plan`,
// if there is one.
std::unique_ptr<llvm::Module> writeKernels(mlir::ModuleOp kernels, const Target &target, llvm::LLVMContext &context,
                                           Plan *plan);
// Whether a program has libraries' functions (runtime/extern) linked to it, or names them to whoever loads it.
enum class Externs { Linked, Named };
// Adds the constant `weft_program` that launches the module's kernels.
void writeProgram(llvm::Module &module, const Plan &plan, const Target &target, Externs externs);
// All of the above, optimised: the bytes of an object file.
std::string programObject(mlir::ModuleOp kernels, Plan &plan, const Target &target, Externs externs);
// The object, linked: the bytes of a shared object.
std::string compileProgram(mlir::ModuleOp kernels, Plan &plan, const Target &target);
// A shared object whose program runs on a GPU: the plan, and the kernels as a cubin for `arch`.
std::string wrapProgram(const Plan &plan, const std::string &cubin, const std::string &arch, const Target &host);

// What schedules need to know of the target.
weft::Target scheduleTarget(const Target &target);

} // namespace weft::cpu
