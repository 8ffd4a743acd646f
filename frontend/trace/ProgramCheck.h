// compile(check=True): a program beside its ops one by one, which is what eager code runs. Where they differ it finds
// the op and the pass: by delta debugging (Zeller, 1999) of the graph, with the right values for what is cut off, and
// then by running ever more steps of the pipeline.
#pragma once
#include "frontend/tensor/Tensor.h"

#include <vector>

namespace weft {

class ProgramCheck {
public:
  // Before the program runs. `written`: tensors whose memory it writes to, of which copies are kept.
  ProgramCheck(const std::vector<Tensor> &inputs, const std::vector<Tensor> &written);
  // After it has run: its outputs. Throws a RuntimeError that names op, line and pass where a bit differs, once what
  // was written to is as before, and leaves a file, weft-check-*.mlir, with the smallest graph that was found to
  // differ.
  void compare(const Graph &graph, const std::vector<Tensor> &outputs) const;

private:
  std::vector<Tensor> inputs;                    // as they were
  std::vector<std::pair<Tensor, Tensor>> copies; // whole memory, and what was there
};

} // namespace weft
