// What schedules know of the machine. Targets change block sizes and, but for products of bf16 by tiles, never the
// order of a floating point operation.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>

namespace weft {

// The most rows of a register tile so many vectors wide that reads its rows where they are: its sums are in registers
// beside the vectors and an element of a row, and there are addresses for the rows.
inline int windowTileRows(int vectorRegisters, int vectors) {
  constexpr int kMostAddresses = 14;
  return std::min(kMostAddresses, (vectorRegisters - vectors - 1) / vectors);
}

struct Target {
  std::string name = "cpu";
  int vectorBytes = 64; // of one register
  int vectorRegisters = 32;
  int64_t level1Bytes = 32 * 1024; // data cache nearest to a core
  int64_t level2Bytes = 1024 * 1024;
  bool gpu = false;
  bool dotsPairs = false;       // products of bf16 read it as it is; else it is best widened in copies
  bool multipliesTiles = false; // of bf16, at many times the speed

  int lanes(int elementBytes) const { return vectorBytes / elementBytes; }
  int windowTileRows(int vectors) const { return weft::windowTileRows(vectorRegisters, vectors); }
};

} // namespace weft
