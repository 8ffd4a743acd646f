#include "runtime/cuda/CudaExecutable.h"
#include "runtime/cuda/Driver.h"

#include <algorithm>
#include <stdexcept>

namespace weft {

CudaExecutable::CudaExecutable(const WeftProgram *program, int device) : Executable(program) {
  place = {DeviceKind::CUDA, int8_t(device)};
  cuda::useDevice(device);
  const cuda::Driver &d = cuda::driver();
  std::string target = program->target ? program->target : "an unnamed target";
  cuda::DeviceInfo info = cuda::deviceInfo(device);
  cuda::check(d.cuModuleLoadData(&module, program->cubin), "loading the kernels built for " + target + " onto " +
                                                               info.name + " (sm_" + std::to_string(info.major) +
                                                               std::to_string(info.minor) + ")");
  try {
    for (int i = 0; i < program->stepCount; ++i) {
      const WeftStep &step = program->steps[i];
      void *function = nullptr;
      cuda::check(d.cuModuleGetFunction(&function, module, step.name), std::string("finding the kernel ") + step.name);
      if (step.scratchBytes > 48 * 1024) // more than any kernel may have unasked
        cuda::check(d.cuFuncSetAttribute(function, cuda::kFunctionMaxDynamicShared, int(step.scratchBytes)),
                    "asking for " + std::to_string(step.scratchBytes) + " bytes of shared memory for " + step.name);
      functions.push_back(function);
    }
    for (int i = 0; i < program->bufferCount; ++i) {
      const WeftBuffer &buffer = program->buffers[i];
      if (buffer.kind != WEFT_CONSTANT)
        continue;
      size_t bytes = size_t(evaluate(buffer.bytes, nullptr));
      constantMemory.push_back(Buffer::allocate(bytes, place));
      constants[i] = constantMemory.back()->data();
      copyMemory(constants[i], place, buffer.data, Device(), bytes);
    }
  } catch (...) {
    d.cuModuleUnload(module);
    throw;
  }
}

CudaExecutable::~CudaExecutable() {
  // A module must not go while its kernels run. Errors here have been or will be seen by whoever waits for the results.
  const cuda::Driver &d = cuda::driver();
  try {
    d.cuStreamSynchronize(cuda::useDevice(place.index));
    d.cuModuleUnload(module);
  } catch (const std::runtime_error &) {
  }
}

void CudaExecutable::runBatch(const Launch *launches, int first, int count, bool) const {
  void *stream = cuda::useDevice(place.index);
  std::vector<void *> arguments;
  for (int i = 0; i < count; ++i) {
    const WeftStep &step = program().steps[first + i];
    Launch launch = launches[i];
    if (launch.tasks <= 0)
      continue;
    // The driver wants the address of each argument.
    arguments.clear();
    for (int b = 0; b < step.bufferCount; ++b)
      arguments.push_back(const_cast<void **>(launch.buffers + b));
    for (int s = 0; s < step.scalarCount; ++s)
      arguments.push_back(const_cast<int64_t *>(launch.scalars + s));
    arguments.push_back(&launch.tasks);
    auto blocks = unsigned(std::min<int64_t>(launch.tasks, INT32_MAX));
    cuda::check(cuda::driver().cuLaunchKernel(functions[first + i], blocks, 1, 1, unsigned(step.blockThreads), 1, 1,
                                              unsigned(step.scratchBytes), stream, arguments.data(), nullptr),
                std::string("launching ") + step.name + (step.location ? std::string(" (") + step.location + ")" : ""));
  }
}

} // namespace weft
