// A graph's ops one by one, as eager code runs them.
#pragma once
#include "frontend/tensor/Tensor.h"

#include <vector>

namespace weft {

// The results of an op, whose first result is node n. `values`: of the graph's inputs and earlier nodes. device: of
// what has no operands.
std::vector<Tensor> runNode(const Graph &graph, size_t n, const std::vector<Tensor> &values, Device device);

} // namespace weft
