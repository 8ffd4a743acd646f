// The sizes that the caching allocators hand out: multiples of 64 bytes, four to each doubling, so that at most a fifth
// of a block is unused and a freed block fits most later requests of about its size.
#pragma once
#include <cstddef>

namespace weft {

inline constexpr size_t kSizeUnit = 64;
inline constexpr int kSizeClassCount = 4 + 4 * 46;
inline constexpr size_t kMaxClassBytes = size_t(1) << 53; // beyond any address space, and the arithmetic below is safe

struct SizeClass {
  int index;
  size_t bytes;
};

constexpr SizeClass sizeClassOf(size_t bytes) {
  size_t units = bytes ? (bytes + kSizeUnit - 1) / kSizeUnit : 1;
  if (units <= 4)
    return {int(units) - 1, units * kSizeUnit};
  size_t last = units - 1;
  int power = 63 - __builtin_clzll(last); // 2^power < units <= 2^(power + 1)
  int quarter = int((last >> (power - 2)) & 3);
  return {4 + (power - 2) * 4 + quarter, ((size_t(4) + quarter + 1) << (power - 2)) * kSizeUnit};
}

// The bytes of the blocks of a class.
constexpr size_t classBytes(int index) {
  if (index < 4)
    return size_t(index + 1) * kSizeUnit;
  return (size_t(4 + (index & 3) + 1) << ((index - 4) / 4)) * kSizeUnit;
}

} // namespace weft
