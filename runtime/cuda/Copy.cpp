#include "runtime/cuda/Copy.h"
#include "runtime/cuda/Capture.h"
#include "runtime/cuda/DeviceMemory.h"
#include "runtime/cuda/HostMemory.h"
#include "runtime/cuda/Streams.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>

namespace weft::cuda {
namespace {

// So many bytes of memory that is not pinned are copied into pinned memory first, and nobody waits.
constexpr size_t kStagedBytes = size_t(256) << 10;

DevicePointer pointer(const void *data) { return reinterpret_cast<DevicePointer>(data); }

void toDevice(void *to, const void *from, size_t bytes, int device, bool mayReturnEarly) {
  void *stream = useDevice(device);
  usedIn(stream, device, to);
  auto enqueue = [&](const void *source) {
    check(driver().cuMemcpyHtoDAsync_v2(pointer(to), source, bytes, stream), "copying to the device");
    pinnedUsedIn(stream, device, source);
  };
  if (mayReturnEarly && isPinned(from))
    return enqueue(from);
  if (bytes > kStagedBytes && !isCaptured(device, stream)) {
    enqueue(from);
    return synchronizeStream(device, stream);
  }
  PinnedMemory staged(bytes, device);
  std::memcpy(staged.data(), from, bytes);
  enqueue(staged.data());
}

void toHost(void *to, const void *from, size_t bytes, int device, bool mayReturnEarly) {
  void *stream = useDevice(device);
  usedIn(stream, device, from);
  const bool returns = mayReturnEarly && isPinned(to);
  if (!returns)
    refuseInCapture(device, stream);
  check(driver().cuMemcpyDtoHAsync_v2(to, pointer(from), bytes, stream), "copying from the device");
  if (returns)
    pinnedUsedIn(stream, device, to);
  else
    synchronizeStream(device, stream);
}

// In the stream of the device that it is from. The other one's comes before and after, so that neither memory is
// written or released too early.
void toPeer(void *to, int toDevice, const void *from, int fromDevice, size_t bytes) {
  void *target = useDevice(toDevice), *stream = useDevice(fromDevice);
  usedIn(target, toDevice, to);
  usedIn(stream, fromDevice, from);
  reachesPeer(fromDevice, toDevice);
  waitForStream(fromDevice, stream, toDevice, target);
  enterContext(fromDevice);
  check(driver().cuMemcpyAsync(pointer(to), pointer(from), bytes, stream), "copying between devices");
  waitForStream(toDevice, target, fromDevice, stream);
}

} // namespace

// Axes without those of one element, outer ones first, joined where one goes on as the next one would.
static std::vector<CopiedAxis> joined(std::vector<CopiedAxis> axes) {
  std::sort(axes.begin(), axes.end(), [](const CopiedAxis &a, const CopiedAxis &b) { return a.toStride > b.toStride; });
  std::vector<CopiedAxis> result;
  for (const CopiedAxis &axis : axes) {
    if (axis.size == 1)
      continue;
    CopiedAxis *outer = result.empty() ? nullptr : &result.back();
    if (outer && outer->toStride == axis.size * axis.toStride && outer->fromStride == axis.size * axis.fromStride)
      *outer = {outer->size * axis.size, axis.toStride, axis.fromStride};
    else
      result.push_back(axis);
  }
  return result;
}

bool copyStrided(void *to, const void *from, int device, std::vector<CopiedAxis> axes, int64_t itemBytes) {
  constexpr int64_t kMostCopies = 256, kMostPitch = int64_t(1) << 30;
  CopyOfRows rows;
  rows.width = size_t(itemBytes);
  rows.height = 1;
  axes = joined(std::move(axes));
  if (!axes.empty() && axes.back().toStride == itemBytes && axes.back().fromStride == itemBytes) {
    rows.width *= size_t(axes.back().size);
    axes.pop_back();
  }
  rows.from.pitch = rows.to.pitch = rows.width;
  if (!axes.empty()) {
    const CopiedAxis &axis = axes.back();
    if (std::min(axis.toStride, axis.fromStride) < int64_t(rows.width) ||
        std::max(axis.toStride, axis.fromStride) > kMostPitch)
      return false;
    rows.height = size_t(axis.size);
    rows.to.pitch = size_t(axis.toStride);
    rows.from.pitch = size_t(axis.fromStride);
    axes.pop_back();
  }
  int64_t copies = 1;
  for (const CopiedAxis &axis : axes)
    if ((copies *= axis.size) > kMostCopies)
      return false;
  void *stream = useDevice(device);
  usedIn(stream, device, to);
  usedIn(stream, device, from);
  for (int64_t i = 0; i < copies; ++i) {
    int64_t rest = i, toOffset = 0, fromOffset = 0;
    for (size_t a = axes.size(); a-- > 0; rest /= axes[a].size) {
      toOffset += rest % axes[a].size * axes[a].toStride;
      fromOffset += rest % axes[a].size * axes[a].fromStride;
    }
    rows.to.device = pointer(to) + DevicePointer(toOffset);
    rows.from.device = pointer(from) + DevicePointer(fromOffset);
    check(driver().cuMemcpy2DAsync_v2(&rows, stream), "copying on the device");
  }
  return true;
}

bool reachesPeer(int device, int peer) {
  static std::mutex mutex;
  static auto &enabled = *new std::set<std::pair<int, int>>;
  requireDevice(device);
  requireDevice(peer);
  int can = 0;
  check(driver().cuDeviceCanAccessPeer(&can, device, peer), "asking whether devices reach each other");
  std::lock_guard<std::mutex> lock(mutex);
  if (!can || enabled.count({device, peer}))
    return can;
  void *other = contextOf(peer);
  enterContext(device);
  if (Result result = driver().cuCtxEnablePeerAccess(other, 0); result != kErrorPeerAccessAlreadyEnabled)
    check(result, "reaching another device's memory");
  enabled.insert({device, peer});
  return true;
}

void copy(void *to, Device toPlace, const void *from, Device fromPlace, size_t bytes, bool mayReturnEarly) {
  if (fromPlace.isCpu())
    return toDevice(to, from, bytes, toPlace.index, mayReturnEarly);
  if (toPlace.isCpu())
    return toHost(to, from, bytes, fromPlace.index, mayReturnEarly);
  if (toPlace != fromPlace)
    return toPeer(to, toPlace.index, from, fromPlace.index, bytes);
  void *stream = useDevice(toPlace.index);
  usedIn(stream, toPlace.index, to);
  usedIn(stream, toPlace.index, from);
  check(driver().cuMemcpyAsync(pointer(to), pointer(from), bytes, stream), "copying on the device");
}

} // namespace weft::cuda
