// A random stream: (seed, offset) of a Philox counter. A random op with n elements takes counters [offset, offset + n).
// Inside a trace the ops read the default stream's state as an input, so that a replay draws anew.
#pragma once
#include "frontend/tensor/Tensor.h"
#include "runtime/Abi.h"

#include <mutex>

namespace weft {

class Generator {
public:
  static Generator &defaultGenerator();
  // From which this thread's random ops draw: the default one but within a Use.
  static Generator &inUse();
  class Use;

  struct State {
    int64_t seed = WEFT_DEFAULT_SEED;
    int64_t offset = 0;
    bool operator==(const State &o) const { return seed == o.seed && offset == o.offset; }
    State after(int64_t count) const { return {seed, offset + count}; }
    // As the operand of random ops, int64[2]. A new tensor each time: launches may still read the last one.
    Tensor tensor(Device device) const;
  };

  void manualSeed(int64_t seed) { setState({seed, 0}); }
  State state() const;
  void setState(State state);
  // Takes `count` counters, from the state that it gives on.
  State draw(int64_t count);
  // They were not used after all. Where another thread has drawn since they are lost.
  void putBack(State drawn, int64_t count);

private:
  mutable std::mutex mutex;
  State current;
};

// A call that names its generator.
class Generator::Use {
public:
  explicit Use(Generator &generator);
  ~Use();
  Use(const Use &) = delete;

private:
  Generator *before;
};

// Counters that go back if nobody keeps them.
class Drawn {
public:
  explicit Drawn(int64_t count) : count(count), state(Generator::defaultGenerator().draw(count)) {}
  ~Drawn() {
    if (!kept)
      Generator::defaultGenerator().putBack(state, count);
  }
  Drawn(const Drawn &) = delete;
  void keep() { kept = true; }

  const int64_t count;
  const Generator::State state;

private:
  bool kept = false;
};

// The state operand for a random op that takes `count` counters, which are drawn, and its `offset` attribute.
Tensor randomState(int64_t count, int64_t &offset, Device device);

} // namespace weft
