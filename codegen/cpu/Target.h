// What code is generated for, and how LLVM turns a module into an object file.
#pragma once
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace weft::cpu {

struct Target {
  std::string cpu, features;
  int vectorBytes = 32;                         // 64 with AVX-512
  std::shared_ptr<llvm::TargetMachine> machine; // not for two threads at once

  // Of an LLVM CPU name; empty: this machine. Throws std::runtime_error on a CPU that is unknown or lacks AVX2, FMA or
  // F16C.
  static Target find(const std::string &cpu);
  // Throws std::runtime_error where this machine lacks a feature that code for the CPU of this name may use.
  static void checkRunsHere(const std::string &cpu);
  Target clone() const; // with a machine of its own
  void prepare(llvm::Module &module) const;
};

// A short list of passes of our own: the writer's code is in SSA form and rotated loops already.
void optimize(llvm::Module &module, const Target &target);
// As a relocatable ELF object, or as assembly.
std::string emitObject(llvm::Module &module, const Target &target);
std::string emitAssembly(llvm::Module &module, const Target &target);

} // namespace weft::cpu
