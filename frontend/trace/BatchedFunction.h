// vmap: a function of one example, done for a batch of them at once. The function is traced on placeholders without
// data; its graph becomes one of all examples (passes/Batch.cpp), whose ops run through apply(): the tape, a trace
// around it and another batch record them as they would any others.
#pragma once
#include "frontend/trace/Trace.h"

namespace weft {

class BatchedFunction {
public:
  // `batches` have the axis of the examples in front, of one size. Tracing begins.
  BatchedFunction(std::vector<Tensor> batches, int64_t size, Trace::Randomness randomness);
  // The placeholders, for the function.
  const std::vector<Tensor> &examples() const { return placeholders; }
  // Whether the function's result differs from example to example.
  struct Output {
    Tensor batch; // with the axis of the examples in front
    bool differs;
  };
  // Ends tracing and runs the ops. What the function wrote to the placeholders is written to the batches.
  std::vector<Output> finish(const std::vector<Tensor> &outputs);

private:
  std::vector<Tensor> run(const Trace::Function &function, const std::vector<Tensor> &inputs,
                          const std::vector<bool> &batched) const;

  std::vector<Tensor> batches, placeholders;
  int64_t size;
  Trace trace;
};

} // namespace weft
