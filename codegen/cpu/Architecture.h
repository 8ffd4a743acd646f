// The architectures that code is generated for: x86-64 with AVX2 and above, and AArch64 with NEON.
#pragma once
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/TargetParser/Triple.h"

#include <string>

namespace weft::cpu {

struct Architecture {
  const char *name; // of WeftProgram::target
  llvm::Triple triple;
  const char *baseline;   // LLVM's name of a processor whose code every machine of the architecture runs
  const char *oldest;     // of one that kernels run on
  const char *needed;     // the features it has beyond the former, as MCSubtargetInfo::checkFeatures takes them
  const char *neededText; // and as people call them
  const char *libraries;  // the folder of libraries in Debian
  const char *debianName; // of the architecture

  // That of the processor of LLVM's name. Throws std::runtime_error, naming those that are known, if there is none.
  static const Architecture &of(const std::string &cpu);
  static const Architecture &host();
  // ",-amx-tile": features that this machine lacks, or its operating system keeps from us.
  static std::string refusedFeatures();

  // LLVM's code generator for this architecture alone: each takes time and memory.
  void initialize() const;
  uint64_t features(const llvm::MCSubtargetInfo &subtarget) const; // bits of WeftProgram::features
  int vectorBytes(const llvm::MCSubtargetInfo &subtarget) const;
  int vectorRegisters(const llvm::MCSubtargetInfo &subtarget) const;
  // Loads and stores take masks for elements of so many bits and more.
  unsigned maskedBits(const llvm::MCSubtargetInfo &subtarget) const;
  bool dotsPairs(const llvm::MCSubtargetInfo &subtarget) const;       // of bf16, in whole registers of 64 bytes
  bool multipliesTiles(const llvm::MCSubtargetInfo &subtarget) const; // of bf16
};

} // namespace weft::cpu
