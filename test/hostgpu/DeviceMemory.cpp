#include "DeviceMemory.h"

#include "Forbidden.h"

#include <cstring>
#include <sys/mman.h>

namespace hostgpu {

constexpr uint64_t kPage = 4096, kAlignment = 256;

static uint64_t reserve(uint64_t bytes) {
  return reinterpret_cast<uint64_t>(
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}
static uint64_t roundUp(uint64_t bytes, uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

DeviceMemory::DeviceMemory() : names(reserve(kSpan)), memory(reserve(kSpan)) {}

DevicePointer DeviceMemory::allocate(size_t bytes) {
  if (bytes > kTotalBytes - usedBytes)
    return 0;
  const uint64_t pages = roundUp(bytes, kPage), start = next;
  if (start + pages + kPage > kSpan)
    return 0;
  if (mprotect(reinterpret_cast<void *>(memory + start), pages, PROT_READ | PROT_WRITE))
    return 0;
  next += pages + kPage;
  const uint64_t offset = start + pages - roundUp(bytes, kAlignment);
  auto *first = reinterpret_cast<unsigned char *>(memory + offset);
  std::memset(first, kFresh, roundUp(bytes, kAlignment));
  forbid(reinterpret_cast<void *>(memory + start), pages);
  permit(first, bytes);
  live[names + offset] = bytes;
  usedBytes += bytes;
  return names + offset;
}

bool DeviceMemory::free(DevicePointer pointer) {
  auto found = live.find(pointer);
  if (found == live.end())
    return false;
  const uint64_t start = (pointer - names) / kPage * kPage, pages = roundUp(found->second, kPage);
  // New pages without access take the place of the old ones.
  mmap(reinterpret_cast<void *>(memory + start), pages, PROT_NONE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  usedBytes -= found->second;
  live.erase(found);
  return true;
}

void *DeviceMemory::find(DevicePointer pointer, size_t bytes) const {
  auto after = live.upper_bound(pointer);
  if (after == live.begin())
    return nullptr;
  auto [start, size] = *std::prev(after);
  if (pointer - start > size || bytes > size - (pointer - start))
    return nullptr;
  return reinterpret_cast<void *>(memory + (pointer - names));
}

} // namespace hostgpu
