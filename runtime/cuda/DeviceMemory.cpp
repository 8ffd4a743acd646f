#include "runtime/cuda/DeviceMemory.h"
#include "runtime/Buffer.h"
#include "runtime/SizeClass.h"
#include "runtime/cuda/Driver.h"

#include <atomic>
#include <mutex>
#include <vector>

namespace weft::cuda {
namespace {

struct Cache {
  std::mutex mutex;
  struct Lists {
    std::vector<DevicePointer> bySize[kSizeClassCount];
  };
  std::vector<Lists> devices;
};
std::atomic<Cache *> existing{nullptr};

// Never destroyed: buffers may outlive every static object. Asked for only where there is a device.
Cache &cache() {
  static Cache *made = [] {
    auto *c = new Cache;
    c->devices.resize(deviceCount());
    existing = c;
    return c;
  }();
  return *made;
}

DevicePointer pointer(const void *data) { return reinterpret_cast<DevicePointer>(data); }

} // namespace

void *allocate(size_t bytes, int device) {
  useDevice(device);
  if (bytes > kMaxClassBytes)
    throw OutOfMemory(bytes, {DeviceKind::CUDA, int8_t(device)});
  SizeClass size = sizeClassOf(bytes);
  {
    Cache &c = cache();
    std::lock_guard<std::mutex> lock(c.mutex);
    auto &list = c.devices[device].bySize[size.index];
    if (!list.empty()) {
      DevicePointer block = list.back();
      list.pop_back();
      return reinterpret_cast<void *>(block);
    }
  }
  DevicePointer block = 0;
  Result result = driver().cuMemAlloc_v2(&block, size.bytes);
  if (result == kErrorOutOfMemory) {
    releaseCachedMemory();
    useDevice(device);
    result = driver().cuMemAlloc_v2(&block, size.bytes);
  }
  if (result == kErrorOutOfMemory)
    throw OutOfMemory(bytes, {DeviceKind::CUDA, int8_t(device)});
  check(result, "allocating " + std::to_string(bytes) + " bytes");
  return reinterpret_cast<void *>(block);
}

void release(void *data, size_t bytes, int device) noexcept {
  Cache &c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  c.devices[device].bySize[sizeClassOf(bytes).index].push_back(pointer(data));
}

void releaseCachedMemory() {
  if (!existing) // and the driver stays unopened
    return;
  Cache &c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  for (int device = 0; device < int(c.devices.size()); ++device)
    for (auto &list : c.devices[device].bySize) {
      if (list.empty())
        continue;
      useDevice(device);
      for (DevicePointer block : list)
        driver().cuMemFree_v2(block); // waits for work that uses it
      list.clear();
    }
}

void copy(void *to, Device toDevice, const void *from, Device fromDevice, size_t bytes) {
  const Driver &d = driver();
  int device = toDevice.isCuda() ? toDevice.index : fromDevice.index;
  void *stream = useDevice(device);
  if (fromDevice.isCpu()) {
    check(d.cuMemcpyHtoDAsync_v2(pointer(to), from, bytes, stream), "copying to the device");
  } else if (toDevice.isCpu()) {
    check(d.cuMemcpyDtoHAsync_v2(to, pointer(from), bytes, stream), "copying from the device");
  } else {
    if (fromDevice != toDevice) {
      synchronize(fromDevice.index); // the other device's stream may still write the source
      useDevice(device);
    }
    check(d.cuMemcpyAsync(pointer(to), pointer(from), bytes, stream), "copying on the device");
  }
  check(d.cuStreamSynchronize(stream), "copying");
}

} // namespace weft::cuda
