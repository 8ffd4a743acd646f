// An op on a batch of examples, as ops on tensors with one more axis, the first: the records' `batching` rules. What an
// example's result is does not depend on the others, to the bit: a rule moves the new axis to where the op is
// independent.
#pragma once
#include "ir/GraphBuilder.h"

namespace weft {

// An op with at least one batched operand.
struct BatchedOp {
  build::Builder at;
  OpKind op;
  llvm::SmallVector<Val, 4> operands; // the batched ones with the axis of the examples, of `size`, in front
  llvm::SmallVector<bool, 4> batched;
  const Attrs &attrs; // of the op on one example
  int64_t size;

  // The operand's rank in one example.
  int rank(int i) const { return operands[size_t(i)].rank() - batched[size_t(i)]; }
  bool onlyFirstIsBatched() const;
};

// The results, the axis of the examples in front of each. None: the rule does not know the case.
using BatchingRule = build::Results (*)(const BatchedOp &);
// Null where the record has none.
BatchingRule batchingRule(OpKind op);

} // namespace weft
