// The random stream of eager code: (seed, offset) of a Philox counter. A random op with n elements takes counters
// [offset, offset + n). Inside a trace the ops read the state as an input, so that a replay draws anew.
#pragma once
#include "frontend/Tensor.h"

namespace weft {

class Generator {
public:
  static Generator &defaultGenerator();

  void manualSeed(int64_t seed);
  int64_t initialSeed() const { return seed; }
  int64_t offset() const { return position; }
  void setState(int64_t seed, int64_t offset);

  // The state as the operand of random ops, int64[2] on the device. A new tensor each time: launches may still read the
  // last one.
  Tensor state(Device device) const;
  void advance(int64_t count) { position += count; }

private:
  int64_t seed = 0x853c49e6748fea9b & 0x7fffffffffffffff;
  int64_t position = 0;
};

// The state operand for a random op that takes `count` counters, and its `offset` attribute; advances the default
// generator.
Tensor randomState(int64_t count, int64_t &offset, Device device);

} // namespace weft
