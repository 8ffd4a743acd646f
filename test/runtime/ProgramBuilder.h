// Launch plans made by hand.
#pragma once
#include "runtime/Abi.h"

#include <vector>

namespace weft {

inline WeftExtent fixed(int64_t value) { return {value, 0, 0, {}}; }
// constant * ceil(symbol / divide)
inline WeftExtent sized(int64_t constant, int symbol, int64_t divide = 1) {
  return {constant, 1, 0, {{symbol, 0, divide}}};
}

// A program under construction; what it points to lives as long as it does.
struct Builder {
  std::vector<WeftBuffer> buffers;
  std::vector<WeftStep> steps;
  std::vector<std::vector<int32_t>> order;
  std::vector<std::vector<WeftExtent>> scalars;
  WeftProgram program{WEFT_ABI_VERSION, 0, 0, 0, 0, 0,       nullptr, nullptr, 0, nullptr, 0,
                      "test",           0, 0, 0, 0, nullptr, 0,       0};

  Builder() { order.reserve(100), scalars.reserve(100); }
  Builder &input(WeftExtent bytes) { return ++program.inputCount, add({WEFT_INPUT, -1, bytes, 0, nullptr}); }
  Builder &output(WeftExtent bytes, int alias = -1) {
    return ++program.outputCount, add({WEFT_OUTPUT, alias, bytes, 0, nullptr});
  }
  Builder &temporary(WeftExtent bytes, int64_t offset) { return add({WEFT_TEMPORARY, -1, bytes, offset, nullptr}); }
  Builder &constant(const void *data, int64_t bytes) { return add({WEFT_CONSTANT, -1, fixed(bytes), 0, data}); }
  Builder &step(WeftKernel kernel, std::vector<int32_t> arguments, std::vector<WeftExtent> values, WeftExtent grid,
                int batch, int64_t grain = 16, int64_t scratch = 0) {
    order.push_back(std::move(arguments));
    scalars.push_back(std::move(values));
    steps.push_back({kernel, "kernel", "model.py:1", int32_t(order.back().size()), int32_t(scalars.back().size()),
                     order.back().data(), scalars.back().data(), grid, grain, scratch, batch, 0, nullptr, nullptr, 0, 0,
                     nullptr, nullptr});
    return *this;
  }
  const WeftProgram *finish(int symbols = 0, int64_t arena = 0) {
    program.symbolCount = symbols;
    program.arenaBytes = arena;
    program.bufferCount = int32_t(buffers.size());
    program.stepCount = int32_t(steps.size());
    program.buffers = buffers.data();
    program.steps = steps.data();
    return &program;
  }

private:
  Builder &add(const WeftBuffer &buffer) { return buffers.push_back(buffer), *this; }
};

} // namespace weft
