// A run of an Executable with given symbols, everything that does not depend on the buffers' addresses done: an eager
// kernel is run millions of times with the same few sizes.
#pragma once
#include "runtime/Executable.h"

namespace weft {

class PreparedRun {
public:
  // The executable must outlive it.
  PreparedRun(const Executable &executable, const int64_t *symbols);
  // As Executable::run().
  void run(void *const *inputs, void *const *outputs) const;

private:
  const Executable *executable;
  std::vector<int64_t> symbols;
  // Of a program of one small step that has no buffers but inputs and outputs.
  bool small = false;
  WeftKernel kernel = nullptr;
  int64_t tasks = 0;
  std::vector<int64_t> scalars;
  std::vector<int32_t> buffers; // buffer numbers, as the step lists them
  static constexpr size_t kMaxBuffers = 16;
};

} // namespace weft
