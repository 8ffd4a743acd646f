// A 128-bit hash for cache keys and checksums.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const Hash128 &o) const { return low == o.low && high == o.high; }
  bool operator!=(const Hash128 &o) const { return !(*this == o); }
};

// MurmurHash3_x64_128 by Austin Appleby, who put it in the public domain; the seed is 64 bits wide here. Stable across
// runs and machines of the same byte order. Not for use against an adversary.
Hash128 hash128(std::string_view bytes, uint64_t seed = 0);
std::string toHex(Hash128 hash); // 32 digits

} // namespace weft
