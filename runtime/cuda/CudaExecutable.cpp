#include "runtime/cuda/CudaExecutable.h"
#include "runtime/cuda/Driver.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace weft {

[[noreturn]] static void refuseToLoad(const WeftProgram &program, int device, int result) {
  const cuda::DeviceInfo info = cuda::deviceInfo(device);
  int version = 0;
  cuda::check(cuda::driver().cuDriverGetVersion(&version), "asking for the driver's version");
  const std::string major = std::to_string(version / 1000), package = "nvidia-cuda-nvrtc";
  throw LoadRefused("[cuda] loading the kernels built for " + std::string(program.target ? program.target : "a GPU") +
                    " onto " + info.name + " (sm_" + std::to_string(info.major) + std::to_string(info.minor) +
                    ") failed: " + cuda::describe(result) + "; the driver is for CUDA " + major + "." +
                    std::to_string(version % 1000 / 10) +
                    ", and one does not take what a newer NVRTC made: install a newer driver, or `pip install " +
                    (version < 13000 ? package + "-cu" + major : package + "==" + major + ".*") + "`");
}

CudaExecutable::CudaExecutable(const WeftProgram *program, int device)
    : Executable(program, {DeviceKind::CUDA, int8_t(device)}) {
  cuda::useDevice(device);
  const cuda::Driver &d = cuda::driver();
  if (int result = d.cuModuleLoadData(&module, program->cubin))
    refuseToLoad(*program, device, result);
  try {
    for (int i = 0; i < program->stepCount; ++i) {
      const WeftStep &step = program->steps[i];
      void *&function = functions.emplace_back();
      if (!step.blockThreads) // it runs programs of its own, or on the host
        continue;
      cuda::check(d.cuModuleGetFunction(&function, module, step.name), std::string("finding the kernel ") + step.name);
      int declared = 0; // beside what a launch asks for
      cuda::check(d.cuFuncGetAttribute(&declared, cuda::kFunctionStaticShared, function),
                  std::string("asking for the shared memory of ") + step.name);
      if (step.scratchBytes + declared > 48 * 1024) // more than any kernel may have unasked
        cuda::check(d.cuFuncSetAttribute(function, cuda::kFunctionMaxDynamicShared, int(step.scratchBytes)),
                    "asking for " + std::to_string(step.scratchBytes) + " bytes of shared memory for " + step.name);
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
  static const bool waits = [] {
    const char *asked = std::getenv("WEFT_CUDA_BLOCKING");
    return asked && std::string(asked) != "0";
  }();
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
    auto what = [&](const char *doing) {
      return doing + std::string(step.name) + (step.location ? std::string(" (") + step.location + ")" : "");
    };
    if (int result = cuda::driver().cuLaunchKernel(functions[first + i], blocks, 1, 1, unsigned(step.blockThreads), 1,
                                                   1, unsigned(step.scratchBytes), stream, arguments.data(), nullptr))
      cuda::check(result, what("launching "));
    if (waits)
      if (int result = cuda::driver().cuStreamSynchronize(stream))
        cuda::check(result, what("running "));
  }
}

} // namespace weft
