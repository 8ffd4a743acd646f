// The bytes of a graph: equal for equal graphs, and refused when they are not those of a graph.
#include "ir/OpTable.h"

#include <gtest/gtest.h>

using namespace weft;

namespace {

Graph example() {
  Graph graph;
  graph.symbolCount = 3;
  graph.typicalSizes = {100, {7, 300}};
  ValueId x = graph.addInput({DType::Float32, {symbol(0), 3}}, {symbol(2), 1});
  ValueId y = graph.addInput({DType::Float32, {symbol(0), 3}});
  ValueId sum = graph.addNode(OpKind::Add, {x, y}, {}, graph.type(x), 0);
  ValueId soft = graph.addNode(OpKind::Softmax, {sum}, {Attr::integer(1)}, graph.type(sum));
  graph.addNode(OpKind::Full, {},
                {Attr::list({2}), Attr::real(-0.0), Attr::integer(INT64_MIN), Attr::dtype(DType::Int64)},
                {DType::Int64, {2}});
  graph.outputs = {soft, soft, x};
  graph.donations = {0, -1, -1};
  graph.locations = {"model.py:12"};
  graph.checks = {{sum, "too small"}, {soft, ""}};
  return graph;
}

TEST(Graph, BytesRoundTrip) {
  Graph graph = example(), copy = deserialize(serialize(graph));
  EXPECT_EQ(serialize(copy), serialize(graph));
  EXPECT_EQ(copy.nodes[2].attrs, graph.nodes[2].attrs);
  EXPECT_EQ(copy.inputs[0].strides, graph.inputs[0].strides);
  EXPECT_EQ(copy.type(3), graph.type(3));
  EXPECT_EQ(copy.checks[0].message, "too small");
}

TEST(Graph, SeveralResultsAreNodesInARow) {
  Graph graph;
  ValueId x = graph.addInput({DType::Float32, {2, 3}});
  ValueId first = graph.addNodes(OpKind::Max, {x}, {Attr::integer(1), Attr::boolean(false)},
                                 {{DType::Float32, {2}}, {DType::Int64, {2}}});
  graph.outputs = {first + 1, first};
  EXPECT_EQ(graph.valueCount(), 3);
  EXPECT_EQ(graph.nodes[1].result, 1);
  Graph copy = deserialize(serialize(graph));
  EXPECT_EQ(copy.type(first + 1), (TensorType{DType::Int64, {2}}));
  for (auto spoil : {+[](Graph &g) { g.nodes.pop_back(); }, +[](Graph &g) { g.nodes[1].result = 0; },
                     +[](Graph &g) { g.nodes[1].operands = {0}; }, +[](Graph &g) { g.nodes.erase(g.nodes.begin()); }}) {
    Graph spoilt = graph;
    spoilt.outputs.clear();
    spoil(spoilt);
    EXPECT_THROW(deserialize(serialize(spoilt)), std::runtime_error);
  }
}

TEST(Graph, LocationsAreNotIdentity) {
  Graph graph = example(), moved = example();
  moved.nodes[0].location = -1;
  moved.locations.clear();
  EXPECT_EQ(serialize(graph), serialize(moved));
  moved.nodes[2].attrs[1] = Attr::real(0.0);
  EXPECT_NE(serialize(graph), serialize(moved));
}

TEST(Graph, RefusesOtherBytes) {
  std::string bytes = serialize(example());
  EXPECT_THROW(deserialize(""), std::runtime_error);
  EXPECT_THROW(deserialize(bytes + "x"), std::runtime_error);
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(deserialize(bytes.substr(0, length)), std::runtime_error) << length;
}

TEST(Dims, ProductsOfSymbolsAreNumbers) {
  int64_t values[] = {5, 7, 11};
  std::optional<int64_t> product = sizeProduct(3, {2, 0, 2});
  ASSERT_TRUE(product && isSymbol(*product) && isSizeCode(*product));
  EXPECT_EQ(product, sizeProduct(3, {0, 2, 2}));
  EXPECT_EQ(product, sizeProduct(Dims{symbol(2), *sizeProduct(3, {2, 0})}));
  EXPECT_EQ(evaluateSize(*product, values), 3 * 5 * 11 * 11);
  EXPECT_EQ(sizeText(*product), "3*s0*s2*s2");
  EXPECT_EQ(toString(Dims{2, symbol(1), *product}), "[2, s1, 3*s0*s2*s2]");
  SizeFactors factors = factorsOf(*product);
  EXPECT_EQ(factors.constant, 3);
  EXPECT_EQ(factors.symbols, (Dims{0, 2, 2}));
  // What is simpler is written so.
  EXPECT_EQ(sizeProduct(1, {3}), symbol(3));
  EXPECT_EQ(sizeProduct(6, {}), 6);
  EXPECT_EQ(sizeProduct(0, {1, 2}), 0);
  EXPECT_EQ((Dims{4, symbol(0), 2}).product(), sizeProduct(8, {0}));
  // The bounds.
  EXPECT_TRUE(sizeProduct(kMostFactor, {253, 253, 253, 253}));
  EXPECT_EQ(factorsOf(*sizeProduct(kMostFactor, {253, 0})).constant, kMostFactor);
  EXPECT_FALSE(sizeProduct(kMostFactor + 1, {0}));
  EXPECT_FALSE(sizeProduct(1, {0, 0, 0, 0, 0}));
  EXPECT_FALSE(sizeProduct(2, {254}));
  EXPECT_THROW((Dims{symbol(0), symbol(1), symbol(2), symbol(3), symbol(4)}).product(), UserError);
  EXPECT_FALSE(isSizeCode(INT64_MIN));
  EXPECT_FALSE(isSizeCode(7));
}

TEST(DType, PromotesAsPyTorch) {
  EXPECT_EQ(promote(DType::UInt8, DType::Int8), DType::Int16);
  EXPECT_EQ(promote(DType::Float16, DType::BFloat16), DType::Float32);
  EXPECT_EQ(promote(DType::Int64, DType::Float16), DType::Float16);
  EXPECT_EQ(promote(DType::Bool, DType::UInt8), DType::UInt8);
}

} // namespace
