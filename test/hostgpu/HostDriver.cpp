// Answers the part of CUDA's driver interface that runtime/cuda/Driver.h names, by programs that HostNvrtc.cpp made. It
// has HOSTGPU_DEVICES devices (2); with HOSTGPU_OLD_DRIVER its driver is older than NVRTC. Launches and copies wait in
// their stream until something waits for that: who reads a result too early, or changes what a copy takes too early, is
// found out. What a GPU would refuse is refused, with a text that says why; a kernel that reaches outside of memory
// leaves its context unusable, as on a GPU.
#include "HostKernel.h"
#include "HostState.h"
#include "RunKernel.h"
#include "runtime/cuda/Driver.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using namespace hostgpu;

constexpr char kArchitecture[] = "sm_90";
constexpr unsigned kMostThreads = 1024, kUnaskedShared = 48 * 1024, kMostShared = 227 * 1024;
constexpr int kStaticSharedAttribute = 1, kMostDynamicAttribute = 8;

struct Module;
struct Function {
  Module *module;
  const Kernel *kernel;
  unsigned mostDynamic; // bytes of shared memory
};
struct Module {
  Device *device;
  void *library;
  const Program *program;
  std::deque<Function> functions; // which stay where they are
};

bool isDevicePointer(const void *pointer) {
  for (Device &device : devices())
    if (device.memory.isOurs(reinterpret_cast<uint64_t>(pointer)))
      return true;
  return false;
}
void *findOnAny(DevicePointer pointer, size_t bytes) {
  for (Device &device : devices())
    if (void *found = device.memory.find(pointer, bytes))
      return found;
  return nullptr;
}
Result outside(const char *what) { return refuse(InvalidValue, std::string(what) + " lies outside of allocations"); }

Result enqueueCopy(Stream &stream, void *to, const void *from, size_t bytes) {
  return enqueue(stream, {[=] { return std::memcpy(to, from, bytes), Success; }});
}

// Of an image, whose length is not told.
size_t sizeOfElf(const void *image) {
  const auto *header = static_cast<const Elf64_Ehdr *>(image);
  if (std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_machine != EM_X86_64)
    return 0;
  return header->e_shoff + size_t(header->e_shnum) * header->e_shentsize;
}

Result load(Device &device, const void *image, void **made) {
  const size_t size = sizeOfElf(image);
  if (!size)
    return refuse(InvalidImage, "the image is not one of the host's NVRTC");
  char path[] = "/tmp/hostgpu-image-XXXXXX"; // the loader takes files of one path for the same
  const int file = mkstemp(path);
  const bool written = write(file, image, size) == ssize_t(size);
  close(file);
  void *library = written ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
  unlink(path);
  auto *program = library ? static_cast<const Program *>(dlsym(library, "hostgpu_program")) : nullptr;
  if (!program)
    return refuse(InvalidImage, "the image cannot be loaded");
  if (std::getenv("HOSTGPU_OLD_DRIVER"))
    return refuse(InvalidImage, "the driver is older than what made the image");
  if (std::string(program->architecture) != kArchitecture)
    return refuse(NoBinaryForGpu, std::string("the image is for ") + program->architecture);
  *made = new Module{&device, library, program, {}};
  return Success;
}

// What the driver is asked for is looked at now, what the kernel does is found when it runs.
Result enqueueLaunch(Device &device, Stream &stream, const Function &function, unsigned grid, unsigned block,
                     unsigned dynamicBytes, void **arguments) {
  const Kernel &kernel = *function.kernel;
  const std::string name = std::string(kernel.name) + ": ";
  if (function.module->device != &device)
    return refuse(InvalidHandle, name + "it was loaded onto another device");
  if (grid < 1 || grid > unsigned(INT32_MAX) || block < 1 || block > kMostThreads)
    return refuse(InvalidValue, name + std::to_string(grid) + " blocks of " + std::to_string(block) + " threads");
  if (int(block) > kernel.mostThreads)
    return refuse(LaunchOutOfResources, name + std::to_string(block) + " threads are more than its launch bounds");
  if (dynamicBytes > function.mostDynamic)
    return refuse(InvalidValue, name + std::to_string(dynamicBytes) + " bytes of dynamic shared memory, of " +
                                    std::to_string(function.mostDynamic));
  std::vector<unsigned long long> values;
  for (int i = 0; i < kernel.argumentCount; ++i) {
    std::memcpy(&values.emplace_back(), arguments[i], 8);
    if (!kernel.isPointer[i])
      continue;
    void *found = device.memory.find(values.back(), 0);
    if (!found)
      return refuse(InvalidValue, name + "argument " + std::to_string(i) + " points outside of allocations");
    values.back() = reinterpret_cast<unsigned long long>(found);
  }
  auto run = [=, program = function.module->program, &kernel]() -> Result {
    Outcome outcome = runKernel(*program, kernel, values, grid, block, dynamicBytes);
    if (outcome.problem.empty())
      return Success;
    return refuse(outcome.reachedOutside ? IllegalAddress : LaunchFailed, name + outcome.problem);
  };
  return enqueue(stream, {run, function.module});
}

} // namespace

EXPORT int cuInit(unsigned flags) {
  std::lock_guard<std::mutex> lock(mutex);
  return initialized = true, flags ? InvalidValue : Success;
}
EXPORT int cuDriverGetVersion(int *version) {
  return *version = std::getenv("HOSTGPU_OLD_DRIVER") ? 12040 : 13000, Success;
}
EXPORT int cuGetErrorName(int result, const char **name) {
  static const std::map<int, const char *> names = {{InvalidValue, "CUDA_ERROR_INVALID_VALUE"},
                                                    {OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
                                                    {NotInitialized, "CUDA_ERROR_NOT_INITIALIZED"},
                                                    {InvalidDevice, "CUDA_ERROR_INVALID_DEVICE"},
                                                    {InvalidImage, "CUDA_ERROR_INVALID_IMAGE"},
                                                    {InvalidContext, "CUDA_ERROR_INVALID_CONTEXT"},
                                                    {NoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
                                                    {InvalidHandle, "CUDA_ERROR_INVALID_HANDLE"},
                                                    {NotReady, "CUDA_ERROR_NOT_READY"},
                                                    {CaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
                                                    {CaptureInvalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"},
                                                    {CaptureUnjoined, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED"},
                                                    {CaptureIsolation, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION"},
                                                    {CapturedEvent, "CUDA_ERROR_CAPTURED_EVENT"},
                                                    {NotFound, "CUDA_ERROR_NOT_FOUND"},
                                                    {IllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"},
                                                    {LaunchOutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
                                                    {LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED"}};
  auto found = names.find(result);
  return *name = found == names.end() ? nullptr : found->second, *name ? Success : InvalidValue;
}
EXPORT int cuGetErrorString(int, const char **text) {
  std::lock_guard<std::mutex> lock(mutex);
  static thread_local std::string told;
  return told = "refused by the host GPU: " + refusal(), *text = told.c_str(), Success;
}

EXPORT int cuDeviceGetCount(int *count) { return *count = int(devices().size()), Success; }
EXPORT int cuDeviceGet(int *device, int ordinal) {
  return *device = ordinal, ordinal >= 0 && ordinal < int(devices().size()) ? Success : InvalidDevice;
}
EXPORT int cuDeviceGetName(char *name, int length, int) {
  return std::snprintf(name, size_t(length), "Host GPU"), Success;
}
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int) {
  static const std::map<int, int> values = {{1, kMostThreads}, {8, kUnaskedShared},    {10, 32},
                                            {16, 2},           {39, 2 * kMostThreads}, {75, 9},
                                            {76, 0},           {81, 228 * 1024},       {97, kMostShared}};
  auto found = values.find(attribute);
  return *value = found == values.end() ? 0 : found->second, found == values.end() ? InvalidValue : Success;
}
EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int) { return *bytes = DeviceMemory::kTotalBytes, Success; }
EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  return *context = &devices().at(size_t(device)), Success;
}
EXPORT int cuCtxSetCurrent(void *context) { return current = static_cast<Device *>(context), Success; }

EXPORT int cuDeviceCanAccessPeer(int *can, int device, int peer) {
  const int count = int(devices().size());
  return *can = device != peer, device >= 0 && peer >= 0 && device < count && peer < count ? Success : InvalidDevice;
}
EXPORT int cuCtxEnablePeerAccess(void *peer, unsigned) {
  return onDevice([&](Device &device) -> Result {
    return device.peers.insert(static_cast<Device *>(peer)).second ? Success : PeerAlreadyEnabled;
  });
}

EXPORT int cuMemAlloc_v2(DevicePointer *pointer, size_t bytes) {
  return onDevice([&](Device &device) -> Result {
    if (!bytes)
      return refuse(InvalidValue, "an allocation of no bytes");
    if (Result result = refuseUnsafe("memory is allocated"))
      return result;
    *pointer = device.memory.allocate(bytes);
    return *pointer ? Success : refuse(OutOfMemory, std::to_string(bytes) + " bytes");
  });
}
EXPORT int cuMemFree_v2(DevicePointer pointer) {
  return onDevice([&](Device &) -> Result {
    if (Result result = refuseUnsafe("memory is freed"))
      return result;
    for (Device &device : devices())
      if (device.memory.isOurs(pointer)) {
        finish(device);
        return device.memory.free(pointer) ? Success : outside("what is to be freed");
      }
    return outside("what is to be freed");
  });
}
EXPORT int cuMemGetInfo_v2(size_t *free, size_t *total) {
  return onDevice([&](Device &device) -> Result {
    *total = DeviceMemory::kTotalBytes;
    return *free = *total - device.memory.used(), Success;
  });
}
EXPORT int cuMemHostAlloc(void **memory, size_t bytes, unsigned) {
  return onDevice([&](Device &) -> Result {
    if (Result result = refuseUnsafe("memory is allocated"))
      return result;
    *memory = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    return std::memset(*memory, DeviceMemory::kFresh, bytes), Success;
  });
}
EXPORT int cuMemFreeHost(void *memory) {
  return onDevice([&](Device &) -> Result {
    for (Device &device : devices())
      finish(device);
    return std::free(memory), Success;
  });
}
EXPORT int cuMemcpyHtoDAsync_v2(DevicePointer to, const void *from, size_t bytes, void *handle) {
  return inStream(handle, [&](Device &, Stream &stream) {
    void *target = findOnAny(to, bytes);
    return !target || isDevicePointer(from) ? outside("a copy to the device")
                                            : enqueueCopy(stream, target, from, bytes);
  });
}
EXPORT int cuMemcpyDtoHAsync_v2(void *to, DevicePointer from, size_t bytes, void *handle) {
  return inStream(handle, [&](Device &, Stream &stream) {
    void *source = findOnAny(from, bytes);
    return !source || isDevicePointer(to) ? outside("a copy from the device") : enqueueCopy(stream, to, source, bytes);
  });
}
EXPORT int cuMemcpyAsync(DevicePointer to, DevicePointer from, size_t bytes, void *handle) {
  return inStream(handle, [&](Device &, Stream &stream) {
    void *target = findOnAny(to, bytes), *source = findOnAny(from, bytes);
    return !target || !source ? outside("a copy on the device") : enqueueCopy(stream, target, source, bytes);
  });
}

EXPORT int cuMemcpy2DAsync_v2(const weft::cuda::CopyOfRows *rows, void *handle) {
  return inStream(handle, [&](Device &, Stream &stream) -> Result {
    const auto &to = rows->to, &from = rows->from;
    if (!rows->width || !rows->height || to.pitch < rows->width || from.pitch < rows->width || to.kind != 2 ||
        from.kind != 2 || std::max(to.pitch, from.pitch) > size_t(INT32_MAX))
      return refuse(InvalidValue, "rows whose pitch is not that of a copy of rows");
    auto bytes = [&](size_t pitch) { return pitch * (rows->height - 1) + rows->width; };
    void *target = findOnAny(to.device, bytes(to.pitch)), *source = findOnAny(from.device, bytes(from.pitch));
    if (!target || !source)
      return outside("a copy of rows");
    return enqueue(stream, {[=, copy = *rows] {
                     for (size_t i = 0; i < copy.height; ++i)
                       std::memcpy(static_cast<char *>(target) + i * copy.to.pitch,
                                   static_cast<const char *>(source) + i * copy.from.pitch, copy.width);
                     return Success;
                   }});
  });
}

EXPORT int cuModuleLoadData(void **made, const void *image) {
  return onDevice([&](Device &device) {
    const Result result = refuseUnsafe("a module is loaded");
    return result ? result : load(device, image, made);
  });
}
EXPORT int cuModuleUnload(void *handle) {
  return onDevice([&](Device &device) -> Result {
    auto *module = static_cast<Module *>(handle);
    for (const std::unique_ptr<Stream> &stream : module->device->streams)
      if (!stream->work.empty() && !device.broken)
        return refuse(InvalidValue, "a module is unloaded while work waits that may use it");
    if (isInGraph(module))
      return refuse(InvalidValue, "a module is unloaded whose kernels a graph launches");
    dlclose(module->library);
    delete module;
    return Success;
  });
}
EXPORT int cuModuleGetFunction(void **found, void *handle, const char *name) {
  auto *module = static_cast<Module *>(handle);
  for (int i = 0; i < module->program->kernelCount; ++i)
    if (std::string(module->program->kernels[i].name) == name) {
      Function &function = module->functions.emplace_back();
      function = {module, &module->program->kernels[i],
                  kUnaskedShared - unsigned(hostgpu::sharedOf(*module->program, module->program->kernels[i]))};
      return *found = &function, Success;
    }
  return refuse(NotFound, std::string("there is no kernel ") + name);
}
EXPORT int cuFuncGetAttribute(int *value, int attribute, void *handle) {
  auto *function = static_cast<Function *>(handle);
  const int shared = int(hostgpu::sharedOf(*function->module->program, *function->kernel));
  if (attribute != kStaticSharedAttribute)
    return refuse(InvalidValue, "an attribute that the host GPU does not know");
  return *value = shared, Success;
}
EXPORT int cuFuncSetAttribute(void *handle, int attribute, int value) {
  auto *function = static_cast<Function *>(handle);
  const size_t shared = hostgpu::sharedOf(*function->module->program, *function->kernel);
  if (attribute != kMostDynamicAttribute)
    return refuse(InvalidValue, "an attribute that the host GPU does not know");
  if (value < 0 || size_t(value) + shared > kMostShared)
    return refuse(InvalidValue, std::string(function->kernel->name) + ": " + std::to_string(value) +
                                    " bytes of dynamic shared memory beside " + std::to_string(shared) + " others");
  return function->mostDynamic = unsigned(value), Success;
}
EXPORT int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                          unsigned blockY, unsigned blockZ, unsigned dynamicBytes, void *handle, void **arguments,
                          void **extra) {
  return inStream(handle, [&](Device &device, Stream &stream) {
    if (extra || gridY * gridZ * blockY * blockZ != 1)
      return refuse(InvalidValue, "the host GPU knows grids and blocks of one dimension");
    return enqueueLaunch(device, stream, *static_cast<Function *>(function), gridX, blockX, dynamicBytes, arguments);
  });
}
