// CUDA's driver, opened when first asked for (libcuda.so.1 by dlopen), so that one build serves machines with and
// without a GPU. No CUDA headers are needed: the few prototypes and numbers used here are part of the driver's stable
// binary interface.
#pragma once
#include "runtime/Device.h"

#include <cstddef>
#include <string>

namespace weft::cuda {

// Whether there is a driver and at least one device. The others throw std::runtime_error with unavailableReason() where
// there is none.
bool isAvailable();
std::string unavailableReason(); // empty when available
int deviceCount();               // 0 when not available

struct DeviceInfo {
  std::string name;
  int major = 0; // compute capability
  int minor = 0;
  int multiprocessors = 0;
  size_t totalBytes = 0;
};
DeviceInfo deviceInfo(int device);
// Waits until all work of the device's stream is done. Errors of earlier launches are thrown here too.
void synchronize(int device);
// The same for the streams of others too, which may use memory that was ours.
void synchronizeContext(int device);

using Result = int;
using DevicePointer = unsigned long long;

// The driver's functions, by their own names and with opaque handles as void *.
struct Driver {
  Result (*cuInit)(unsigned flags);
  Result (*cuGetErrorName)(Result, const char **);
  Result (*cuGetErrorString)(Result, const char **);
  Result (*cuDriverGetVersion)(int *);
  Result (*cuDeviceGetCount)(int *);
  Result (*cuDeviceGet)(int *device, int ordinal);
  Result (*cuDeviceGetName)(char *name, int length, int device);
  Result (*cuDeviceGetAttribute)(int *value, int attribute, int device);
  Result (*cuDeviceTotalMem_v2)(size_t *bytes, int device);
  Result (*cuDevicePrimaryCtxRetain)(void **context, int device);
  Result (*cuCtxSetCurrent)(void *context);
  Result (*cuCtxSynchronize)();
  Result (*cuMemAlloc_v2)(DevicePointer *, size_t bytes);
  Result (*cuMemFree_v2)(DevicePointer);
  Result (*cuMemcpyHtoDAsync_v2)(DevicePointer to, const void *from, size_t bytes, void *stream);
  Result (*cuMemcpyDtoHAsync_v2)(void *to, DevicePointer from, size_t bytes, void *stream);
  Result (*cuMemcpyAsync)(DevicePointer to, DevicePointer from, size_t bytes, void *stream);
  Result (*cuStreamCreate)(void **stream, unsigned flags);
  Result (*cuStreamSynchronize)(void *stream);
  Result (*cuModuleLoadData)(void **module, const void *image);
  Result (*cuModuleUnload)(void *module);
  Result (*cuModuleGetFunction)(void **function, void *module, const char *name);
  Result (*cuFuncGetAttribute)(int *value, int attribute, void *function);
  Result (*cuFuncSetAttribute)(void *function, int attribute, int value);
  Result (*cuLaunchKernel)(void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                           unsigned blockY, unsigned blockZ, unsigned sharedBytes, void *stream, void **arguments,
                           void **extra);
};

// CUDA's numbers that we use.
inline constexpr int kErrorOutOfMemory = 2;
inline constexpr int kAttributeMultiprocessors = 16;
inline constexpr int kAttributeMajor = 75;
inline constexpr int kAttributeMinor = 76;
inline constexpr int kFunctionStaticShared = 1;
inline constexpr int kFunctionMaxDynamicShared = 8;

const Driver &driver();
std::string describe(Result result); // "<name>: <text>"
// Makes the device's primary context the calling thread's and gives the device's one stream.
void *useDevice(int device);
// Throws std::runtime_error: "[cuda] `what` failed: <name>: <text>"; of an error that no later call recovers from, with
// how to find the kernel.
void check(Result result, const std::string &what);

} // namespace weft::cuda
