// Reverse-mode derivative of a graph; codegen/Compiler.h has the contract.
#pragma once
#include "ir/Graph.h"

#include <vector>

namespace weft {

// The graph's nodes keep their ids; the derivative's are appended, and its outputs are the cotangents of the inputs
// `wrt`.
Graph differentiate(const Graph &graph, const std::vector<int> &wrt);

} // namespace weft
