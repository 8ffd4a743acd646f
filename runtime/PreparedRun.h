// A run of an Executable with given symbols, everything that does not depend on the buffers' addresses done: an eager
// kernel is run millions of times with the same few sizes.
#pragma once
#include "runtime/Executable.h"

namespace weft {

class PreparedRun {
public:
  // Keeps the executable.
  PreparedRun(ExecutablePtr executable, const int64_t *symbols);
  bool takesLong() const { return isLong; }
  // As Executable::run(), in the caller's StandardFloatMode.
  void run(void *const *inputs, void *const *outputs) const {
    if (!kernel || Executable::isProfiled())
      return executable->run(inputs, outputs, symbols.data());
    void *arguments[kMaxBuffers];
    for (int i = 0; i < bufferCount; ++i)
      arguments[i] = buffers[i] < 0 ? outputs[~buffers[i]] : inputs[buffers[i]];
    kernel(arguments, scalars.data(), 0, tasks, nullptr);
  }

private:
  static constexpr int kMaxBuffers = 8;
  ExecutablePtr executable;
  std::vector<int64_t> symbols;
  // Of a program of one small step that works on inputs and outputs alone: the kernel and its arguments. Else null.
  WeftKernel kernel = nullptr;
  bool isLong;
  int64_t tasks = 0;
  std::vector<int64_t> scalars;
  int bufferCount = 0;
  int8_t buffers[kMaxBuffers]; // the number of an input, or ~ that of an output
};

} // namespace weft
