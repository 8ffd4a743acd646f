// Kernels that were compiled with the package: libraries beside the compiler's, one a kind of processor, of which the
// first that this machine can run is opened when a kernel is first wanted. tools/make_kernels.py makes them. They serve
// processors of more than their kind, and so none is of bfloat16: processors with AMX sum its products in an order of
// their own (docs/accuracy.md).
#pragma once
#include "ir/Graph.h"
#include "runtime/Abi.h"

#include <string>

namespace weft {

// The program of a graph (its serialize()), for this machine; null where none was shipped.
const WeftProgram *shippedProgram(const std::string &graph);

// The making. From beginCollecting() on, graphs that are compiled for the CPU are kept, but for
// those with bfloat16; writeCollected() compiles them
// for a kind of processor (LLVM's name) into `directory`.
void beginCollecting();
void collect(const Graph &graph);
void writeCollected(const std::string &directory, const std::string &cpu);

} // namespace weft
