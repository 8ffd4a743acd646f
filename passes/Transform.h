// Derivatives and batches of a graph; codegen/Compiler.h has the contracts.
#pragma once
#include "ir/Graph.h"

#include <vector>

namespace weft {

// The graph's nodes keep their ids; the derivative's are appended, and its outputs are the cotangents of the inputs
// `wrt`.
Graph differentiate(const Graph &graph, const std::vector<int> &wrt);

// The same, and the outputs are the tangents of the graph's outputs.
Graph pushForward(const Graph &graph, const std::vector<int> &wrt);

// The graph of a batch of examples.
Graph batch(const Graph &graph, const std::vector<bool> &batched, int64_t size);

} // namespace weft
