/* A driver for tests on machines without a GPU: device memory is the host's, streams are in order at once, and the one kernel
 * it knows is the C twin of the one in CudaExecutableTest.cpp. It checks what a real driver would refuse. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
enum { Success = 0, InvalidValue = 1, OutOfMemory = 2, InvalidImage = 200, NotFound = 500, InvalidContext = 201 };

static __thread void *current;
static int context, stream, module, function, live;
static int sharedLimit = 48 * 1024;

EXPORT int cuInit(unsigned flags) { return flags ? InvalidValue : Success; }
EXPORT int cuGetErrorName(int result, const char **name) {
  *name = result == NotFound ? "CUDA_ERROR_NOT_FOUND" : result == InvalidImage ? "CUDA_ERROR_INVALID_IMAGE" : "CUDA_ERROR_OTHER";
  return Success;
}
EXPORT int cuGetErrorString(int result, const char **text) { return *text = result == NotFound ? "named symbol not found" : "refused", Success; }
EXPORT int cuDriverGetVersion(int *version) { return *version = 12040, Success; }
EXPORT int cuCtxSynchronize(void) { return current == &context ? Success : InvalidContext; }
EXPORT int cuFuncGetAttribute(int *value, int attribute, void *f) { return *value = 0, f == &function && attribute == 1 ? Success : InvalidValue; }
EXPORT int cuDeviceGetCount(int *count) { return *count = 1, Success; }
EXPORT int cuDeviceGet(int *device, int ordinal) { return *device = 40 + ordinal, ordinal == 0 ? Success : InvalidValue; }
EXPORT int cuDeviceGetName(char *name, int length, int device) { return snprintf(name, length, "Fake %d", device), Success; }
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 9 : attribute == 76 ? 0 : attribute == 16 ? 132 : -1;
  return device == 40 && *value >= 0 ? Success : InvalidValue;
}
EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = 1 << 30, device == 40 ? Success : InvalidValue; }
EXPORT int cuDevicePrimaryCtxRetain(void **made, int device) { return *made = &context, device == 40 ? Success : InvalidValue; }
EXPORT int cuCtxSetCurrent(void *wanted) { return current = wanted, wanted == &context ? Success : InvalidContext; }
EXPORT int cuMemAlloc_v2(unsigned long long *pointer, size_t bytes) {
  if (current != &context)
    return InvalidContext;
  if (bytes > 1 << 30)
    return OutOfMemory;
  ++live;
  return *pointer = (unsigned long long)(uintptr_t)aligned_alloc(64, bytes), Success;
}
EXPORT int cuMemFree_v2(unsigned long long pointer) { return --live, free((void *)(uintptr_t)pointer), Success; }
static int copy(void *to, const void *from, size_t bytes, void *s) {
  if (current != &context || s != &stream)
    return InvalidContext;
  return memcpy(to, from, bytes), Success;
}
EXPORT int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t n, void *s) { return copy((void *)(uintptr_t)to, from, n, s); }
EXPORT int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t n, void *s) { return copy(to, (void *)(uintptr_t)from, n, s); }
EXPORT int cuMemcpyAsync(unsigned long long to, unsigned long long from, size_t n, void *s) {
  return copy((void *)(uintptr_t)to, (void *)(uintptr_t)from, n, s);
}
EXPORT int cuStreamCreate(void **made, unsigned flags) { return *made = &stream, current == &context && flags == 1 ? Success : InvalidContext; }
EXPORT int cuStreamSynchronize(void *s) { return current == &context && s == &stream ? Success : InvalidContext; }
EXPORT int cuModuleLoadData(void **made, const void *image) {
  return *made = &module, memcmp(image, ".version", 8) == 0 ? Success : InvalidImage;
}
EXPORT int cuModuleUnload(void *m) { return m == &module ? Success : InvalidValue; }
EXPORT int cuModuleGetFunction(void **found, void *m, const char *name) {
  return *found = &function, m == &module && strcmp(name, "scale") == 0 ? Success : NotFound;
}
EXPORT int cuFuncSetAttribute(void *f, int attribute, int value) {
  if (f != &function || attribute != 8 || value > 200 * 1024)
    return InvalidValue;
  return sharedLimit = value, Success;
}
EXPORT int cuLaunchKernel(void *f, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
                          unsigned sharedBytes, void *s, void **arguments, void **extra) {
  if (f != &function || s != &stream || current != &context || extra || gridX == 0 || gridY * gridZ * blockY * blockZ != 1 ||
      blockX == 0 || blockX > 1024 || (int)sharedBytes > sharedLimit)
    return InvalidValue;
  const int64_t *a = *(int64_t **)arguments[0], *c = *(int64_t **)arguments[1];
  int64_t *out = *(int64_t **)arguments[2];
  int64_t size = *(int64_t *)arguments[3], factor = *(int64_t *)arguments[4], tasks = *(int64_t *)arguments[5];
  for (int64_t block = 0; block < gridX; ++block)
    for (int64_t task = block; task < tasks; task += gridX)
      for (int64_t i = task * blockX; i < (task + 1) * blockX && i < size; ++i)
        out[i] = a[i] * factor + c[i % 4];
  return Success;
}
