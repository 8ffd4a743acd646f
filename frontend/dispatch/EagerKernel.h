// One eager op's way through the table of kernels: its key, the graph that is compiled where there is none, the run.
#pragma once
#include "frontend/dispatch/KernelKey.h"

namespace weft {

inline constexpr int kInlineOperands = 8; // handled without allocation

// An op on operands that fit its record. The result goes to `out`, contiguous.
struct EagerCall {
  OpKind op;
  const Tensor *operands;
  int count;
  const Attrs &attrs;
  Device device;
  void *out;
  int donated = -1;              // the operand whose memory `out` is
  void *const *others = nullptr; // where results but the first go
};

// What every key begins with: all but the operands.
KernelKey beginKey(const EagerCall &call);
// The op as a graph on the inputs of `graph`.
Graph completed(const EagerCall &call, Graph graph);
// Runs the kernel, of which the key and the symbols are those of the operands as they are.
void run(const EagerCall &call, const KernelKey &key, const ExecutablePtr &executable, const SymbolTable &symbols);
// The kernel is compiled first. Meanwhile other threads may change the operands, which does not matter.
void compileAndRun(const EagerCall &call, const KernelKey &key, Graph graph, const SymbolTable &symbols);

} // namespace weft
