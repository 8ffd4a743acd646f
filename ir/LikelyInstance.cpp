// Another instance of a graph, from sizes of its inputs that are said to vary: with two instances it can be
// generalised. A guess, which is checked by the shape rules here and against every later graph by
// GeneralGraph::matches().
#include "ir/GeneralGraph.h"
#include "ir/OpTable.h"

#include <algorithm>
#include <map>

namespace weft {

namespace {

class Guess {
public:
  // everywhere: all inputs but weights have the size wherever they have one like it. multiples: what a shape names is
  // the size's multiple where it can be.
  Guess(const Graph &graph, const VaryingSizes &varying, bool everywhere, bool multiples)
      : everywhere(everywhere), multiples(multiples), result(graph) {
    for (size_t i = 0; i < graph.inputs.size(); ++i)
      for (int axis : varying.axes[i])
        vary(graph.inputs[i].type.shape[axis]);
    for (size_t i = 0; i < result.inputs.size(); ++i)
      setInput(result.inputs[i], varying.axes[i]);
    setNodes(result);
  }
  const Graph &graph() const { return result; }

private:
  // Primes: no product of other sizes is one.
  void vary(int64_t size) {
    constexpr int64_t kSizes[] = {1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049};
    if (size > 1 && others.size() + 1 < std::size(kSizes))
      others.try_emplace(size, kSizes[others.size()] == size ? kSizes[std::size(kSizes) - 1] : kSizes[others.size()]);
  }

  int64_t other(int64_t size, bool orMultiple) const {
    if (auto known = others.find(size); known != others.end())
      return known->second;
    if (orMultiple)
      for (auto [from, to] : others)
        if (size > from && size % from == 0)
          return size / from * to;
    return size;
  }

  void setInput(Input &input, const std::vector<int> &axes) {
    Dims &shape = input.type.shape;
    for (int axis = 0; axis < shape.size(); ++axis)
      if (std::find(axes.begin(), axes.end(), axis) != axes.end() || (everywhere && !input.weight))
        shape[axis] = other(shape[axis], false);
    for (int axis = 0; axis < input.strides.size(); ++axis)
      input.strides[axis] = other(input.strides[axis], true);
  }

  void setNodes(Graph &graph) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      Node &node = graph.nodes[i];
      const Node &op = graph.nodes[i - size_t(node.result)];
      if (node.result == 0)
        setAttributes(node);
      std::vector<TensorType> operands;
      for (ValueId v : op.operands)
        operands.push_back(graph.type(v));
      node.type = inferType(node.op, operands.data(), int(operands.size()), op.attrs, node.result);
    }
  }

  void setAttributes(Node &node) {
    for (size_t i = 0; i < node.attrs.size(); ++i) {
      Attr &attr = node.attrs[i];
      if (attr.kind == Attr::Kind::Graph) {
        auto body = std::make_shared<Graph>(*attr.body);
        for (Input &input : body->inputs)
          for (int axis = 0; axis < input.type.shape.size(); ++axis)
            input.type.shape[axis] = other(input.type.shape[axis], false);
        setNodes(*body);
        attr.body = std::move(body);
      } else if (namesSizes(info(node.op).attrs[i])) {
        for (int axis = 0; axis < attr.ints.size(); ++axis)
          attr.ints[axis] = other(attr.ints[axis], multiples);
      }
    }
  }

  const bool everywhere, multiples;
  std::map<int64_t, int64_t> others; // of the sizes that vary
  Graph result;
};

} // namespace

bool VaryingSizes::any() const {
  return std::any_of(axes.begin(), axes.end(), [](const std::vector<int> &list) { return !list.empty(); });
}

std::optional<std::vector<int64_t>> likelyInstance(const Graph &graph, const VaryingSizes &varying) {
  const GraphParts parts = partsOf(graph, /*sizes=*/true);
  for (bool everywhere : {false, true})
    for (bool multiples : {false, true}) {
      try {
        GraphParts other = partsOf(Guess(graph, varying, everywhere, multiples).graph(), true);
        if (other.skeleton == parts.skeleton && other.values != parts.values)
          return other.values;
      } catch (const UserError &) {
        continue; // the shapes do not fit
      }
    }
  return {};
}

} // namespace weft
