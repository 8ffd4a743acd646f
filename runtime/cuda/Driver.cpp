#include "runtime/cuda/Driver.h"

#include <dlfcn.h>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace weft::cuda {
namespace {

struct DeviceState {
  std::once_flag once;
  int handle = 0;
  void *context = nullptr;
};

struct Loaded {
  Driver functions{};
  std::string problem; // empty: usable
  int devices = 0;
  std::vector<DeviceState> states;
};

template <class F> bool lookUp(void *library, const char *name, F &function, std::string &problem) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (!function)
    problem = std::string("libcuda.so.1 has no function ") + name + "; install a newer NVIDIA driver";
  return function != nullptr;
}

void open(Loaded &loaded) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *text = dlerror();
    loaded.problem =
        std::string("the NVIDIA driver is not installed (") + (text ? text : "libcuda.so.1 not found") + ")";
    return;
  }
  Driver &d = loaded.functions;
#define WEFT_LOOK_UP(name) lookUp(library, #name, d.name, loaded.problem)
  bool complete =
      WEFT_LOOK_UP(cuInit) && WEFT_LOOK_UP(cuGetErrorName) && WEFT_LOOK_UP(cuGetErrorString) &&
      WEFT_LOOK_UP(cuDriverGetVersion) && WEFT_LOOK_UP(cuDeviceGetCount) && WEFT_LOOK_UP(cuDeviceGet) &&
      WEFT_LOOK_UP(cuDeviceGetName) && WEFT_LOOK_UP(cuDeviceGetAttribute) && WEFT_LOOK_UP(cuDeviceTotalMem_v2) &&
      WEFT_LOOK_UP(cuDevicePrimaryCtxRetain) && WEFT_LOOK_UP(cuCtxSetCurrent) && WEFT_LOOK_UP(cuCtxSynchronize) &&
      WEFT_LOOK_UP(cuCtxGetStreamPriorityRange) && WEFT_LOOK_UP(cuCtxEnablePeerAccess) &&
      WEFT_LOOK_UP(cuDeviceCanAccessPeer) && WEFT_LOOK_UP(cuMemAlloc_v2) && WEFT_LOOK_UP(cuMemFree_v2) &&
      WEFT_LOOK_UP(cuMemGetInfo_v2) && WEFT_LOOK_UP(cuMemHostAlloc) && WEFT_LOOK_UP(cuMemFreeHost) &&
      WEFT_LOOK_UP(cuMemcpyHtoDAsync_v2) && WEFT_LOOK_UP(cuMemcpyDtoHAsync_v2) && WEFT_LOOK_UP(cuMemcpyAsync) &&
      WEFT_LOOK_UP(cuMemcpy2DAsync_v2) && WEFT_LOOK_UP(cuStreamCreateWithPriority) &&
      WEFT_LOOK_UP(cuStreamSynchronize) && WEFT_LOOK_UP(cuStreamQuery) && WEFT_LOOK_UP(cuStreamWaitEvent) &&
      WEFT_LOOK_UP(cuStreamBeginCapture_v2) && WEFT_LOOK_UP(cuStreamEndCapture) && WEFT_LOOK_UP(cuStreamIsCapturing) &&
      WEFT_LOOK_UP(cuThreadExchangeStreamCaptureMode) && WEFT_LOOK_UP(cuLaunchHostFunc) &&
      WEFT_LOOK_UP(cuGraphInstantiateWithFlags) && WEFT_LOOK_UP(cuGraphLaunch) && WEFT_LOOK_UP(cuGraphExecDestroy) &&
      WEFT_LOOK_UP(cuGraphDestroy) && WEFT_LOOK_UP(cuEventCreate) && WEFT_LOOK_UP(cuEventRecord) &&
      WEFT_LOOK_UP(cuEventQuery) && WEFT_LOOK_UP(cuEventSynchronize) && WEFT_LOOK_UP(cuEventElapsedTime) &&
      WEFT_LOOK_UP(cuEventDestroy_v2) && WEFT_LOOK_UP(cuModuleLoadData) && WEFT_LOOK_UP(cuModuleUnload) &&
      WEFT_LOOK_UP(cuModuleGetFunction) && WEFT_LOOK_UP(cuFuncGetAttribute) && WEFT_LOOK_UP(cuFuncSetAttribute) &&
      WEFT_LOOK_UP(cuLaunchKernel);
#undef WEFT_LOOK_UP
  if (!complete)
    return;
  Result result = d.cuInit(0);
  if (result == 0)
    result = d.cuDeviceGetCount(&loaded.devices);
  if (result != 0) {
    const char *text = nullptr;
    d.cuGetErrorString(result, &text);
    loaded.problem = std::string("the NVIDIA driver does not start: ") + (text ? text : "unknown error");
  } else if (loaded.devices == 0) {
    loaded.problem = "the NVIDIA driver finds no device";
  }
  if (!loaded.problem.empty())
    loaded.devices = 0;
  loaded.states = std::vector<DeviceState>(loaded.devices);
}

// Never destroyed: buffers may be freed after every static object.
Loaded &loaded() {
  static Loaded *state = [] {
    auto *made = new Loaded;
    open(*made);
    return made;
  }();
  return *state;
}

} // namespace

bool isAvailable() { return loaded().problem.empty(); }
std::string unavailableReason() { return loaded().problem; }
int deviceCount() { return loaded().devices; }

void requireDevice(int device) {
  Loaded &l = loaded();
  if (!l.problem.empty())
    throw std::runtime_error("[cuda] CUDA is not available: " + l.problem +
                             "; use device=\"cpu\", or ask weft.cuda.is_available() first");
  if (device < 0 || device >= l.devices)
    throw std::runtime_error("[cuda] there is no device cuda:" + std::to_string(device) + "; this machine has " +
                             std::to_string(l.devices) + ", numbered from 0");
}

const Driver &driver() { return loaded().functions; }

std::string describe(Result result) {
  const char *name = nullptr, *text = nullptr;
  driver().cuGetErrorName(result, &name);
  driver().cuGetErrorString(result, &text);
  return (name ? name : std::to_string(result)) + ": " + (text ? text : "no description");
}

void check(Result result, const std::string &what) {
  if (result == 0)
    return;
  std::string message = "[cuda] " + what + " failed: " + describe(result);
  const bool ofKernel = result == 700 || (result >= 702 && result <= 720 && result != 704 && result != 705);
  if (ofKernel && what.compare(0, 8, "running ") != 0)
    message += "; a kernel that was launched before failed, and nothing more can run in this process: run it again "
               "with WEFT_CUDA_BLOCKING=1, which names the kernel";
  throw std::runtime_error(message);
}

void *contextOf(int device) {
  requireDevice(device);
  DeviceState &state = loaded().states[device];
  const Driver &d = driver();
  std::call_once(state.once, [&] {
    check(d.cuDeviceGet(&state.handle, device), "opening the device");
    check(d.cuDevicePrimaryCtxRetain(&state.context, state.handle), "creating the device's context");
  });
  return state.context;
}

void enterContext(int device) { check(driver().cuCtxSetCurrent(contextOf(device)), "entering the device's context"); }

DeviceInfo deviceInfo(int device) {
  contextOf(device);
  int handle = loaded().states[device].handle;
  const Driver &d = driver();
  DeviceInfo info;
  char name[256] = "";
  check(d.cuDeviceGetName(name, sizeof name, handle), "asking for the device's name");
  info.name = name;
  check(d.cuDeviceGetAttribute(&info.major, kAttributeMajor, handle), "asking for the compute capability");
  check(d.cuDeviceGetAttribute(&info.minor, kAttributeMinor, handle), "asking for the compute capability");
  check(d.cuDeviceGetAttribute(&info.multiprocessors, kAttributeMultiprocessors, handle),
        "asking for the multiprocessors");
  check(d.cuDeviceTotalMem_v2(&info.totalBytes, handle), "asking for the memory size");
  return info;
}

} // namespace weft::cuda
