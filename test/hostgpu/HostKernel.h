// A kernel in a program for the host: what HostNvrtc.cpp puts into a library and HostDriver.cpp finds there.
#pragma once
#include <cstddef>

namespace hostgpu {

struct Launch {
  void *const *arguments; // the address of each
  unsigned blocks, threads;
  unsigned char *dynamicShared; // its end is that of readable memory
  size_t dynamicBytes;
};

struct Kernel {
  const char *name;
  int mostThreads;       // of a block: its launch bounds
  size_t ownShared;      // bytes of shared memory that it declares in its body
  int argumentCount;     // 8 bytes each
  const bool *isPointer; // by argument
  void (*call)(void *const *arguments);
};

// A library's one export, hostgpu_program.
struct Program {
  const char *architecture; // "sm_90"
  int kernelCount;
  const Kernel *kernels;
  size_t (*staticShared)(); // bytes that are declared, in all kernels' bodies and outside
  size_t ownShared;         // of these in bodies
  // Runs all blocks, one after the other. Null, or what is wrong.
  const char *(*run)(const Kernel &kernel, const Launch &launch);
};

// Bytes that a kernel of the program declares.
inline size_t sharedOf(const Program &program, const Kernel &kernel) {
  const size_t all = program.staticShared();
  return (all > program.ownShared ? all - program.ownShared : 0) + kernel.ownShared;
}

} // namespace hostgpu
