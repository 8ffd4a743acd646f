// Graphs that are alike but for sizes and numbers, and the one graph of which they are instances.
#include "ir/GeneralGraph.h"
#include "ir/OpTable.h"

#include <gtest/gtest.h>

using namespace weft;

namespace {

// tanh(x * number) of a matrix, as one axis.
Graph scaled(int64_t rows, int64_t columns, double number) {
  Graph graph;
  TensorType type{DType::Float32, {rows, columns}};
  ValueId x = graph.addInput(type);
  ValueId full = graph.addNode(
      OpKind::Full, {}, {Attr::list(type.shape), Attr::real(number), Attr::integer(0), Attr::dtype(type.dtype)}, type);
  ValueId y = graph.addNode(OpKind::Mul, {x, full}, {}, type);
  y = graph.addNode(OpKind::Tanh, {y}, {}, type);
  Dims flat{rows * columns};
  y = graph.addNode(OpKind::Reshape, {y}, {Attr::list(flat)}, {type.dtype, flat});
  graph.outputs = {y};
  return graph;
}

struct Found {
  std::shared_ptr<const GeneralGraph> general;
  std::vector<int64_t> symbols;
};

Found generalise(const std::vector<Graph> &graphs, bool sizes = true) {
  std::vector<std::vector<int64_t>> instances;
  for (const Graph &graph : graphs) {
    EXPECT_EQ(partsOf(graph, sizes).skeleton, partsOf(graphs[0], sizes).skeleton);
    instances.push_back(partsOf(graph, sizes).values);
  }
  return {GeneralGraph::of(graphs.back(), sizes, instances), {}};
}

bool matches(Found &found, const Graph &graph, bool sizes = true) {
  return found.general->matches(partsOf(graph, sizes).values, found.symbols);
}

} // namespace

TEST(GeneralGraph, NumbersBecomeInputs) {
  Found found = generalise({scaled(20, 30, 0.5), scaled(20, 30, 0.25)});
  const Graph &graph = found.general->graph();
  ASSERT_EQ(graph.inputs.size(), 2u);
  EXPECT_EQ(graph.inputs[1].type, (TensorType{DType::Float32, {}}));
  EXPECT_EQ(graph.nodes[0].op, OpKind::Expand);
  EXPECT_EQ(graph.nodes[1].operands, (std::vector<ValueId>{0, 2}));
  EXPECT_EQ(graph.symbolCount, 0);
  EXPECT_TRUE(matches(found, scaled(20, 30, -7)));
  EXPECT_FALSE(matches(found, scaled(20, 31, 0.5)));
  ASSERT_EQ(found.general->numbers().size(), 1u);
}

TEST(GeneralGraph, SizesBecomeSymbolsAndProducts) {
  Found found = generalise({scaled(20, 30, 1), scaled(21, 33, 1)});
  const Graph &graph = found.general->graph();
  EXPECT_EQ(graph.symbolCount, 2);
  EXPECT_EQ(graph.inputs[0].type.shape, (Dims{symbol(0), symbol(1)}));
  EXPECT_EQ(graph.nodes.back().type.shape, (Dims{*sizeProduct(1, {0, 1})}));
  EXPECT_TRUE(matches(found, scaled(9, 10, 1)));
  EXPECT_EQ(found.symbols, (std::vector<int64_t>{9, 10}));
  EXPECT_FALSE(matches(found, scaled(9, 10, 2)));
}

// Two sizes that were equal in all instances are one symbol; a further instance tells them apart.
TEST(GeneralGraph, FurtherInstancesMakeItMoreGeneral) {
  Found square = generalise({scaled(20, 20, 1), scaled(30, 30, 1)});
  EXPECT_EQ(square.general->graph().symbolCount, 1);
  EXPECT_TRUE(matches(square, scaled(40, 40, 1)));
  EXPECT_FALSE(matches(square, scaled(40, 41, 1)));
  Found any = generalise({scaled(20, 20, 1), scaled(30, 30, 1), scaled(40, 41, 1)});
  EXPECT_EQ(any.general->graph().symbolCount, 2);
  EXPECT_TRUE(matches(any, scaled(50, 60, 1)));
}

TEST(GeneralGraph, SizesOfOneAreOfTheSkeleton) {
  EXPECT_NE(partsOf(scaled(20, 1, 1), true).skeleton, partsOf(scaled(20, 2, 1), true).skeleton);
  EXPECT_EQ(partsOf(scaled(20, 2, 1), true).skeleton, partsOf(scaled(20, 9, 1), true).skeleton);
  EXPECT_NE(partsOf(scaled(20, 30, 1), false).skeleton, partsOf(scaled(21, 30, 1), false).skeleton);
}

TEST(GeneralGraph, RandomNumbersStartWhereTheirStateSays) {
  auto random = [](int64_t offset) {
    Graph graph;
    ValueId state = graph.addInput({DType::Int64, {2}});
    TensorType type{DType::Float32, {100}};
    graph.addNode(OpKind::Uniform, {state}, {Attr::list(type.shape), Attr::dtype(type.dtype), Attr::integer(offset)},
                  type);
    graph.outputs = {1};
    return graph;
  };
  Found found = generalise({random(0), random(50)});
  const Graph &graph = found.general->graph();
  ASSERT_EQ(graph.inputs.size(), 2u);
  EXPECT_EQ(graph.inputs[1].type, graph.inputs[0].type);
  EXPECT_EQ(graph.nodes[0].operands, (std::vector<ValueId>{1}));
  EXPECT_EQ(graph.nodes[0].attrs[2].i, 0);
  EXPECT_EQ(found.general->numbers()[0].state, 0);
  EXPECT_TRUE(matches(found, random(12345)));
}

TEST(GeneralGraph, StartsOfSlicesBecomePositions) {
  auto row = [](int64_t start) {
    Graph graph;
    ValueId x = graph.addInput({DType::Float32, {100, 4}});
    ValueId y = graph.addNode(OpKind::Exp, {x}, {}, graph.type(x));
    TensorType type{DType::Float32, {1, 4}};
    y = graph.addNode(OpKind::Slice, {y}, {Attr::list({start, 0}), Attr::list(type.shape), Attr::list({1, 1})}, type);
    graph.outputs = {graph.addNode(OpKind::Neg, {y}, {}, type)};
    return graph;
  };
  Found found = generalise({row(3), row(99)});
  const Graph &graph = found.general->graph();
  ASSERT_EQ(graph.inputs.size(), 2u);
  std::vector<OpKind> ops;
  for (const Node &node : graph.nodes)
    ops.push_back(node.op);
  EXPECT_EQ(ops, (std::vector<OpKind>{OpKind::Exp, OpKind::Iota, OpKind::Expand, OpKind::Add, OpKind::IndexSelect,
                                      OpKind::Slice, OpKind::Neg}));
  EXPECT_EQ(graph.nodes[5].attrs[0].ints, (Dims{0, 0}));
  EXPECT_EQ(graph.nodes.back().operands, (std::vector<ValueId>{7}));
  EXPECT_EQ(graph.outputs, (std::vector<ValueId>{8}));
  EXPECT_TRUE(matches(found, row(0)));
}

// As in the gradient of a table's first rows.
TEST(GeneralGraph, PaddingBecomesPositions) {
  auto padded = [](int64_t low, int64_t rows) {
    Graph graph;
    ValueId x = graph.addInput({DType::Float32, {rows, 4}});
    TensorType type{DType::Float32, {100, 4}};
    Attrs attrs{Attr::list({low, 0}), Attr::list({100 - low - rows, 0}), Attr::list({0, 0}), Attr::real(0)};
    graph.outputs = {graph.addNode(OpKind::Pad, {x}, attrs, type)};
    return graph;
  };
  for (int64_t low : {0, 7}) {
    Found found = generalise({padded(0, 20), padded(low, 30)});
    ASSERT_TRUE(found.general);
    const Graph &graph = found.general->graph();
    EXPECT_EQ(graph.symbolCount, 1);
    EXPECT_EQ(graph.nodes[graph.nodes.size() - 2].op, OpKind::IndexSelect);
    EXPECT_EQ(graph.nodes.back().attrs[0].ints, (Dims{0, 0}));
    EXPECT_EQ(graph.nodes.back().attrs[1].ints, (Dims{0, 0}));
    EXPECT_TRUE(matches(found, padded(low, 99 - low)));
    EXPECT_EQ(matches(found, padded(1, 50)), low != 0);
  }
}

// A scan of `steps` entries of `size` elements, whose body adds them up and gives what it has.
static Graph summed(int64_t steps, int64_t size, double factor = 0.5) {
  const TensorType entry{DType::Float32, {size}}, entries{DType::Float32, {steps, size}};
  auto body = std::make_shared<Graph>();
  ValueId carry = body->addInput(entry), value = body->addInput(entry);
  ValueId number =
      body->addNode(OpKind::Full, {},
                    {Attr::list(entry.shape), Attr::real(factor), Attr::integer(0), Attr::dtype(entry.dtype)}, entry);
  ValueId scaled = body->addNode(OpKind::Mul, {value, number}, {}, entry);
  body->outputs = {body->addNode(OpKind::Add, {carry, scaled}, {}, entry), carry};
  Graph graph;
  ValueId first = graph.addInput(entry), sequence = graph.addInput(entries);
  ValueId last =
      graph.addNodes(OpKind::Scan, {first, sequence},
                     {Attr::graph(body), Attr::integer(1), Attr::integer(1), Attr::list({steps}), Attr::boolean(false)},
                     {entry, entries});
  graph.outputs = {last, last + 1};
  return graph;
}

TEST(GeneralGraph, SizesOfBodiesAreTheirOpsSymbols) {
  Found found = generalise({summed(7, 20), summed(5, 30)});
  const Graph &graph = found.general->graph(), &body = *graph.nodes[0].attrs[0].body;
  EXPECT_EQ(graph.symbolCount, 2);
  EXPECT_EQ(body.symbolCount, 2);
  EXPECT_EQ(body.inputs[0].type, graph.inputs[0].type);
  EXPECT_TRUE(body.nodes[0].type.shape.hasSymbol());
  EXPECT_TRUE(matches(found, summed(100, 3)));
  EXPECT_EQ(found.symbols, (std::vector<int64_t>{3, 100}));
  EXPECT_EQ(summed(7, 20).nodes[0].attrs[0].body->symbolCount, 0);
  EXPECT_EQ(serialize(instanceOf(graph, found.symbols)), serialize(summed(100, 3)));
}

TEST(GeneralGraph, NumbersOfBodiesAreOfTheSkeleton) {
  EXPECT_NE(partsOf(summed(7, 20, 0.5), true).skeleton, partsOf(summed(7, 20, 0.25), true).skeleton);
}
