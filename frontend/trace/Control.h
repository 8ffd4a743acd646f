// Loops and branches whose bodies are functions: a body is traced on placeholders without data; its graph is part of
// one op (ir/ops/Control.td), which runs through apply(): tape, traces and batches record it like any other.
#pragma once
#include "frontend/trace/Trace.h"

namespace weft {

class TracedBody {
public:
  // `name` is that of what runs the body, for errors. Tracing begins.
  TracedBody(const char *name, const std::vector<Tensor> &examples);
  // The placeholders, of the examples' types, for the function.
  const std::vector<Tensor> &examples() const { return placeholders; }
  // Ends tracing. Throws UserError where the function did what a body cannot.
  void finish(const std::vector<Tensor> &outputs);

private:
  friend std::vector<Tensor> scan(TracedBody &body, std::vector<Tensor> carries, std::vector<Tensor> sequences,
                                  int64_t length, bool reverse);
  friend std::vector<Tensor> whileLoop(TracedBody &body, const Tensor &condition, std::vector<Tensor> carries);
  friend std::vector<Tensor> cond(const Tensor &condition, TracedBody &body, TracedBody &otherwise,
                                  std::vector<Tensor> operands);
  void refuseChecks() const; // throws where there are some

  const char *name;
  std::vector<Tensor> placeholders;
  Trace trace;
  // When it is finished.
  Graph graph;                   // the placeholders and the constants to the outputs, and to the values to check
  std::vector<Tensor> constants; // tensors from outside that the function reads
  std::vector<OperandCheck> checks;
};

// An entry of a tensor along its first axis, for the examples of a scan's body; shares its memory.
Tensor entryOf(const Tensor &sequence);

// The body has traced the carries and an entry of each sequence, which have `length` of them along their first axis,
// and gives the next carries and further outputs. Gives the last carries, then all further outputs, with that axis in
// front. Throws UserError where the carries change their types.
std::vector<Tensor> scan(TracedBody &body, std::vector<Tensor> carries, std::vector<Tensor> sequences, int64_t length,
                         bool reverse);
// The body has traced the carries, and gives the next ones and the condition for another run. Gives the last carries.
std::vector<Tensor> whileLoop(TracedBody &body, const Tensor &condition, std::vector<Tensor> carries);
// Both bodies have traced the operands. Gives the results of the one that the condition says.
std::vector<Tensor> cond(const Tensor &condition, TracedBody &body, TracedBody &otherwise,
                         std::vector<Tensor> operands);

} // namespace weft
