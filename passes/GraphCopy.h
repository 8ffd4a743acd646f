// Graphs made of parts of another.
#pragma once
#include "ir/OpAccess.h"

#include "mlir/IR/Builders.h"

#include <map>
#include <memory>

namespace weft {

// A graph whose inputs are given first, then its nodes, copied from another graph.
class Copy {
public:
  explicit Copy(const Graph &from) : from(from) {
    graph.symbolCount = from.symbolCount;
    graph.typicalSizes = from.typicalSizes;
  }

  void input(ValueId v) {
    numbers[v] = input(from.inputs[size_t(v)].type);
    graph.inputs.back().weight = from.inputs[size_t(v)].weight;
  }
  ValueId input(const TensorType &type) { return graph.addInput(type); }
  void number(ValueId v, ValueId as) { numbers[v] = as; }
  // The op whose first result is `v`.
  void op(ValueId v) {
    const Node &node = nodeOf(v);
    std::vector<ValueId> operands;
    for (ValueId operand : node.operands)
      operands.push_back(numbers.at(operand));
    std::vector<TensorType> types;
    for (int i = 0; i < resultCount(node.op, node.attrs); ++i)
      types.push_back(from.type(v + i));
    ValueId first = graph.addNodes(node.op, std::move(operands), node.attrs, types);
    for (ValueId i = 0; i < ValueId(types.size()); ++i)
      numbers[v + i] = first + i;
  }
  void allOps() {
    for (auto v = ValueId(from.inputs.size()); v < from.valueCount(); ++v)
      if (nodeOf(v).result == 0)
        op(v);
  }
  void output(ValueId v) { graph.outputs.push_back(numbers.at(v)); }
  ValueId at(ValueId v) const { return numbers.at(v); }
  const Node &nodeOf(ValueId v) const { return from.nodes[size_t(v) - from.inputs.size()]; }

  Graph graph;

private:
  const Graph &from;
  std::map<ValueId, ValueId> numbers;
};

// The graph with more inputs behind the others.
inline Graph withInputs(const Graph &graph, llvm::ArrayRef<TensorType> types) {
  Copy copy(graph);
  for (ValueId v = 0; v < ValueId(graph.inputs.size()); ++v)
    copy.input(v);
  for (const TensorType &type : types)
    copy.input(type);
  copy.allOps();
  for (ValueId output : graph.outputs)
    copy.output(output);
  return std::move(copy.graph);
}

inline mlir::Value zeros(mlir::OpBuilder &builder, mlir::Location location, const TensorType &type) {
  return createOp(builder, location, OpKind::Full, {},
                  {Attr::list(type.shape), Attr::real(0.0), Attr::integer(0), Attr::dtype(type.dtype)});
}

inline std::shared_ptr<const Graph> shared(Graph graph) { return std::make_shared<const Graph>(std::move(graph)); }

} // namespace weft
