// What code is generated for, and how LLVM turns a module into an object file.
#pragma once
#include "codegen/cpu/Architecture.h"

#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace weft::cpu {

struct Target {
  std::string cpu, features;
  const Architecture *architecture = nullptr;
  int vectorBytes = 32;
  int vectorRegisters = 16;
  bool dotsPairs = false;                       // vdpbf16ps: a pair of bf16 products is added by one instruction
  bool multipliesTiles = false;                 // tdpbf16ps: products of bf16 have the order of tiles
  unsigned maskedBits = 32;                     // loads and stores take masks for elements of so many bits and more
  std::shared_ptr<llvm::TargetMachine> machine; // not for two threads at once

  // Of a processor as in CompileOptions::cpu. Throws std::runtime_error on a CPU that is unknown or lacks what kernels
  // need (Architecture.h).
  static Target find(const std::string &cpu);
  static std::string thisMachine(); // as such a text
  Target clone() const;             // with a machine of its own
  std::string name() const;         // of WeftProgram::target: "x86-64 cascadelake"
  uint64_t neededFeatures() const;  // that the code may use: bits of WeftProgram::features
  void prepare(llvm::Module &module) const;
};

// A short list of passes of our own: the writer's code is in SSA form and rotated loops already.
void optimize(llvm::Module &module, const Target &target);
// As a relocatable ELF object, or as assembly.
std::string emitObject(llvm::Module &module, const Target &target);
std::string emitAssembly(llvm::Module &module, const Target &target);

} // namespace weft::cpu
