// The memory of one host GPU. A device pointer is an address that nobody can read or write: the memory is elsewhere,
// where only the driver looks it up. An allocation ends (to 256 bytes) where readable memory ends, and no address is
// used twice, so that what lies outside of allocations is found to.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>

namespace hostgpu {

using DevicePointer = unsigned long long;

class DeviceMemory {
public:
  static constexpr size_t kTotalBytes = size_t(8) << 30;
  static constexpr unsigned char kFresh = 0xCB; // every byte of a new allocation

  DeviceMemory();
  DevicePointer allocate(size_t bytes); // 0: out of memory
  bool free(DevicePointer pointer);     // whether it was one that allocate() gave
  // Whether it is an address of this device, allocated or not.
  bool isOurs(uint64_t pointer) const { return pointer - names < kSpan; }
  // Where the `bytes` from a pointer on are; null where they are in no one allocation.
  void *find(DevicePointer pointer, size_t bytes) const;
  // Whether an address that the host tried to reach is in this device's memory.
  bool holds(const void *address) const { return reinterpret_cast<uint64_t>(address) - memory < kSpan; }
  size_t used() const { return usedBytes; }

private:
  static constexpr uint64_t kSpan = uint64_t(256) << 30;
  uint64_t names, memory; // of the same length; a pointer's place is as far into one as into the other
  uint64_t next = 0;
  size_t usedBytes = 0;
  std::map<DevicePointer, size_t> live;
};

} // namespace hostgpu
