// compile(check=True): a program beside its ops one by one, which is what eager code runs. Where they differ it finds
// the op and the pass (FaultSearch.h).
#pragma once
#include "frontend/calls/CompiledCall.h"
#include "ir/GeneralGraph.h"

#include <vector>

namespace weft {

class ProgramCheck {
public:
  // Before the program runs. `written`: tensors whose memory it writes to, of which copies are kept.
  ProgramCheck(const std::vector<Tensor> &inputs, const std::vector<Tensor> &written);
  // After it has run: its outputs. general: of which the program is, with the plan's symbols and numbers; or null.
  // Throws a RuntimeError that names op, line and pass where a bit differs, once what was written to is as before, and
  // leaves a file, weft-check-*.mlir, with the smallest graph that was found to differ.
  void compare(const Graph &graph, const SegmentPlan &plan, const GeneralGraph *general,
               const std::vector<Tensor> &outputs) const;

private:
  std::vector<Tensor> inputsOf(const Graph &general, const SegmentPlan &plan) const;

  std::vector<Tensor> inputs;                    // as they were
  std::vector<std::pair<Tensor, Tensor>> copies; // whole memory, and what was there
};

} // namespace weft
