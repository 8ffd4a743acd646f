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
using Result = int;
using DevicePointer = unsigned long long;

// Rows of memory, as the driver's CUDA_MEMCPY2D has them. Kind 2: of a device.
struct RowsOfMemory {
  size_t x = 0, y = 0;
  int kind = 2;
  void *host = nullptr;
  DevicePointer device = 0;
  void *array = nullptr;
  size_t pitch = 0;
};
struct CopyOfRows {
  RowsOfMemory from, to;
  size_t width = 0, height = 0;
};

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
  Result (*cuCtxGetStreamPriorityRange)(int *least, int *greatest);
  Result (*cuCtxEnablePeerAccess)(void *context, unsigned flags);
  Result (*cuDeviceCanAccessPeer)(int *can, int device, int peer);
  Result (*cuMemAlloc_v2)(DevicePointer *, size_t bytes);
  Result (*cuMemFree_v2)(DevicePointer);
  Result (*cuMemGetInfo_v2)(size_t *free, size_t *total);
  Result (*cuMemHostAlloc)(void **memory, size_t bytes, unsigned flags);
  Result (*cuMemFreeHost)(void *memory);
  Result (*cuMemcpyHtoDAsync_v2)(DevicePointer to, const void *from, size_t bytes, void *stream);
  Result (*cuMemcpyDtoHAsync_v2)(void *to, DevicePointer from, size_t bytes, void *stream);
  Result (*cuMemcpyAsync)(DevicePointer to, DevicePointer from, size_t bytes, void *stream);
  Result (*cuMemcpy2DAsync_v2)(const CopyOfRows *, void *stream);
  Result (*cuStreamCreateWithPriority)(void **stream, unsigned flags, int priority);
  Result (*cuStreamSynchronize)(void *stream);
  Result (*cuStreamQuery)(void *stream);
  Result (*cuStreamWaitEvent)(void *stream, void *event, unsigned flags);
  Result (*cuStreamBeginCapture_v2)(void *stream, int mode);
  Result (*cuStreamEndCapture)(void *stream, void **graph);
  Result (*cuStreamIsCapturing)(void *stream, int *status);
  Result (*cuThreadExchangeStreamCaptureMode)(int *mode);
  Result (*cuLaunchHostFunc)(void *stream, void (*function)(void *), void *data);
  Result (*cuGraphInstantiateWithFlags)(void **instance, void *graph, unsigned long long flags);
  Result (*cuGraphLaunch)(void *instance, void *stream);
  Result (*cuGraphExecDestroy)(void *instance);
  Result (*cuGraphDestroy)(void *graph);
  Result (*cuEventCreate)(void **event, unsigned flags);
  Result (*cuEventRecord)(void *event, void *stream);
  Result (*cuEventQuery)(void *event);
  Result (*cuEventSynchronize)(void *event);
  Result (*cuEventElapsedTime)(float *milliseconds, void *start, void *end);
  Result (*cuEventDestroy_v2)(void *event);
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
inline constexpr int kErrorNotReady = 600;
inline constexpr int kErrorPeerAccessAlreadyEnabled = 704;
inline constexpr int kAttributeMultiprocessors = 16;
inline constexpr int kAttributeMajor = 75;
inline constexpr int kAttributeMinor = 76;
inline constexpr int kFunctionStaticShared = 1;
inline constexpr int kFunctionMaxDynamicShared = 8;

const Driver &driver();
std::string describe(Result result); // "<name>: <text>"
// Makes the device's primary context the calling thread's. Streams.h: useDevice(), which gives the stream, too.
void enterContext(int device);
void *contextOf(int device);
// Throws std::runtime_error where there is no such device.
void requireDevice(int device);
// Throws std::runtime_error: "[cuda] `what` failed: <name>: <text>"; of an error that no later call recovers from, with
// how to find the kernel.
void check(Result result, const std::string &what);

} // namespace weft::cuda
