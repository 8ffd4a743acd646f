#include "runtime/cuda/CudaExecutable.h"
#include "runtime/cuda/Capture.h"
#include "runtime/cuda/DeviceMemory.h"
#include "runtime/cuda/Graph.h"
#include "runtime/cuda/HostMemory.h"
#include "runtime/cuda/Streams.h"

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
  // Not in the current stream, of which a graph may be captured.
  cuda::BesideCapture beside(device);
  cuda::StreamScope scope(device, cuda::defaultStream(device));
  const cuda::Driver &d = cuda::driver();
  void *loaded = nullptr;
  if (int result = d.cuModuleLoadData(&loaded, program->cubin))
    refuseToLoad(*program, device, result);
  // A module must not go while its kernels run. Errors here have been or will be seen by whoever waits for the results.
  module = std::shared_ptr<void>(loaded, [device](void *dead) {
    if (cuda::isCapturing(device)) // nothing can be waited for: it stays loaded
      return;
    cuda::enterContext(device);
    cuda::hasSeveralStreams(device) ? cuda::driver().cuCtxSynchronize()
                                    : cuda::driver().cuStreamSynchronize(cuda::defaultStream(device));
    cuda::driver().cuModuleUnload(dead);
  });
  for (int i = 0; i < program->stepCount; ++i) {
    const WeftStep &step = program->steps[i];
    void *&function = functions.emplace_back();
    if (!step.blockThreads) // it runs programs of its own, or on the host
      continue;
    cuda::check(d.cuModuleGetFunction(&function, loaded, step.name), std::string("finding the kernel ") + step.name);
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
  if (!constantMemory.empty())
    cuda::synchronizeStream(device, cuda::defaultStream(device));
}

int CudaExecutable::firstBroken(void *const *pointers) const {
  const WeftProgram &p = program();
  void *stream = cuda::useDevice(place.index);
  auto byteOf = [&](int i) { return pointers[p.checks[i].buffer]; };
  if (cuda::isCaptured(place.index, stream)) {
    for (int i = 0; i < p.checkCount; ++i)
      cuda::Graph::checkLater(place.index, stream, byteOf(i), p.checks[i].message);
    return -1;
  }
  cuda::PinnedMemory flags(size_t(p.checkCount), place.index);
  auto *broken = static_cast<bool *>(flags.data());
  for (int i = 0; i < p.checkCount; ++i)
    copyMemory(broken + i, Device(), byteOf(i), place, 1, /*mayReturnEarly=*/true);
  cuda::synchronizeStream(place.index, stream);
  const auto *found = std::find(broken, broken + p.checkCount, true);
  return found == broken + p.checkCount ? -1 : int(found - broken);
}

bool CudaExecutable::mayKeep() const { return !cuda::isCaptured(place.index, cuda::currentStream(place.index)); }

void CudaExecutable::runBatch(const Launch *launches, int first, int count, bool) const {
  void *stream = cuda::useDevice(place.index);
  static const bool waits = [] {
    const char *asked = std::getenv("WEFT_CUDA_BLOCKING");
    return asked && std::string(asked) != "0";
  }();
  const bool captured = cuda::keepForGraph(place.index, stream, module);
  const bool several = captured || cuda::hasSeveralStreams(place.index);
  std::vector<void *> arguments;
  for (int i = 0; i < count; ++i) {
    const WeftStep &step = program().steps[first + i];
    Launch launch = launches[i];
    if (launch.tasks <= 0)
      continue;
    // The driver wants the address of each argument.
    arguments.clear();
    for (int b = 0; b < step.bufferCount; ++b) {
      arguments.push_back(const_cast<void **>(launch.buffers + b));
      if (several)
        cuda::usedIn(stream, place.index, launch.buffers[b]);
    }
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
    if (waits && !captured)
      if (int result = cuda::driver().cuStreamSynchronize(stream))
        cuda::check(result, what("running "));
  }
}

} // namespace weft
