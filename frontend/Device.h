// Where a tensor's memory is.
#pragma once
#include <cstdint>
#include <string>

namespace weft {

struct Device {
  enum class Kind : uint8_t { CPU, CUDA };
  Kind kind = Kind::CPU;
  int8_t index = 0; // CUDA: the number of the card

  bool isCpu() const { return kind == Kind::CPU; }
  bool operator==(const Device &o) const { return kind == o.kind && index == o.index; }
  bool operator!=(const Device &o) const { return !(*this == o); }
};
// "cpu", "cuda:0".
std::string toString(Device device);
// Reads "cpu", "cuda", "cuda:1"; throws UserError.
Device parseDevice(const std::string &text);

} // namespace weft
