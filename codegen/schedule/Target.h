// What schedules know of the machine. Targets change block sizes and never the order of a floating point operation.
#pragma once
#include <cstdint>
#include <string>

namespace weft {

struct Target {
  std::string name = "cpu";
  int vectorBytes = 64; // of one register
  int vectorRegisters = 32;
  int64_t level1Bytes = 32 * 1024; // data cache nearest to a core
  int64_t level2Bytes = 1024 * 1024;
  bool gpu = false;
  bool dotsPairs = false; // products of bf16 read it as it is; else it is best widened in copies

  int lanes(int elementBytes) const { return vectorBytes / elementBytes; }
};

} // namespace weft
