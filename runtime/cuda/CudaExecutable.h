// Runs a program that carries a cubin. Step i launches the kernel of its name:
//
//   extern "C" __global__ void name(T0 *b0, T1 *b1, ..., int64_t s0, int64_t s1, ..., int64_t tasks)
//
// The arguments are the step's buffers in the order it lists them, then its scalars, then the number of tasks: 8 bytes
// each. The grid is one dimension of min(tasks, 2^31 - 1) blocks of `blockThreads` threads, with `scratchBytes` of
// dynamic shared memory; the kernel runs task blockIdx.x, blockIdx.x + gridDim.x,
// ... below `tasks`. A step without tasks is not launched. One without blockThreads is a loop or branch, whose programs
// have the same cubin, or a library's function, which runs on the host. With WEFT_CUDA_BLOCKING=1 each kernel is waited
// for, so that an error names it. Steps run in order in the device's current stream, so a step sees what earlier ones
// wrote; batches mean nothing here.
#pragma once
#include "runtime/Executable.h"

namespace weft {

// The device or its driver does not take the program's kernels; another one might.
struct LoadRefused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class CudaExecutable final : public Executable {
public:
  // Loads the module onto the device and copies the constants there. `program` must outlive this. Throws LoadRefused.
  CudaExecutable(const WeftProgram *program, int device);

protected:
  void runBatch(const Launch *launches, int first, int count, bool mayStop) const override;
  int firstBroken(void *const *pointers) const override;
  bool mayKeep() const override;

private:
  std::shared_ptr<void> module;  // also of graphs that launch its kernels
  std::vector<void *> functions; // by step; null for those that launch none
  std::vector<BufferRef> constantMemory;
};

} // namespace weft
