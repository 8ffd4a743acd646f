// Runs a kernel on the calling thread, in the floating-point mode that GPUs have, and comes back where it cannot go on.
#pragma once
#include "HostKernel.h"

#include <string>
#include <vector>

namespace hostgpu {

struct Outcome {
  bool reachedOutside = false; // of memory
  std::string problem;         // empty: it ran
};

// The addresses of `arguments` are those of values of 8 bytes each, pointers that the host can follow among them.
Outcome runKernel(const Program &program, const Kernel &kernel, std::vector<unsigned long long> arguments,
                  unsigned blocks, unsigned threads, size_t dynamicBytes);

} // namespace hostgpu
