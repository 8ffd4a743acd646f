#include "frontend/dispatch/RunNode.h"

#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Ops.h"

namespace weft {

std::vector<Tensor> runNode(const Graph &graph, size_t n, const std::vector<Tensor> &values, Device device) {
  const Node &node = graph.nodes[n];
  if (node.operands.empty())
    return {applyCreation(node.op, node.attrs, device)};
  std::vector<Tensor> operands;
  for (ValueId v : node.operands)
    operands.push_back(values[size_t(v)]);
  return applyAll(node.op, operands.data(), int(operands.size()), node.attrs);
}

} // namespace weft
