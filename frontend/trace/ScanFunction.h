// scan: a step that is done again and again, each time with the next entry of sequences and what the last one carried
// on. The step is traced on placeholders without data; its graph is the body of one op (ir/ops/Control.td), which runs
// through apply(): tape, traces and batches record it like any other.
#pragma once
#include "frontend/trace/Trace.h"

namespace weft {

class ScanFunction {
public:
  // `sequences` have the axis of the entries in front, `length` of them. Tracing begins.
  ScanFunction(const char *name, std::vector<Tensor> carries, std::vector<Tensor> sequences, int64_t length,
               bool reverse);
  // The placeholders, for the step: the carries, then an entry of each sequence.
  const std::vector<Tensor> &examples() const { return placeholders; }
  // Ends tracing and runs the op. Gives the last carries, then all steps' outputs, with the axis of the entries in
  // front. Throws UserError where the carries change their types, or the step does what it cannot.
  std::vector<Tensor> finish(const std::vector<Tensor> &nextCarries, const std::vector<Tensor> &outputs);

private:
  const char *name;
  std::vector<Tensor> operands, placeholders; // the carries, then the sequences
  int64_t carries, length;
  bool reverse;
  Trace trace;
};

} // namespace weft
