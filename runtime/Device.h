// Where memory lies and kernels run.
#pragma once
#include <cstdint>
#include <string>

namespace weft {

enum class DeviceKind : uint8_t { CPU, CUDA };

struct Device {
  DeviceKind kind = DeviceKind::CPU;
  int8_t index = 0;
  bool isCpu() const { return kind == DeviceKind::CPU; }
  bool isCuda() const { return kind == DeviceKind::CUDA; }
  bool operator==(const Device &o) const { return kind == o.kind && index == o.index; }
  bool operator!=(const Device &o) const { return !(*this == o); }
};

// "cpu", "cuda:0".
inline std::string toString(Device device) {
  return device.isCpu() ? std::string("cpu") : "cuda:" + std::to_string(int(device.index));
}

} // namespace weft
