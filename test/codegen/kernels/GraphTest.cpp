// Graphs compiled and run: against the definitions of the ops, and fused against one kernel an op, to the bit.
#include "Interpreter.h"
#include "codegen/Compiler.h"
#include "ir/kernel/CanonicalOrder.h"
#include "runtime/Executable.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

using namespace weft;
using namespace weft::test;

namespace {

constexpr size_t kPadding = 4096; // bytes behind every tensor that must not be written
using Bytes = std::vector<unsigned char>;

Bytes toBytes(const Array &array, DType dtype, const Dims &strides) {
  int64_t last = 0;
  for (int i = 0; i < array.shape.size(); ++i)
    last += (array.shape[i] - 1) * (strides.empty() ? contiguousStrides(array.shape)[i] : strides[i]);
  Bytes bytes((std::max<int64_t>(last, 0) + 1) * itemSize(dtype));
  Dims steps = strides.empty() ? contiguousStrides(array.shape) : strides;
  for (size_t i = 0; i < array.data.size(); ++i) {
    int64_t rest = int64_t(i), at = 0;
    for (int dim = array.shape.size() - 1; dim >= 0; --dim) {
      at += rest % array.shape[dim] * steps[dim];
      rest /= array.shape[dim];
    }
    if (dtype == DType::Float32)
      reinterpret_cast<float *>(bytes.data())[at] = float(array.data[i]);
    else if (dtype == DType::Int64)
      reinterpret_cast<int64_t *>(bytes.data())[at] = int64_t(array.data[i]);
    else
      throw std::runtime_error("dtype of a test");
  }
  return bytes;
}

Array fromBytes(const Bytes &bytes, const TensorType &type) {
  Array array{type.shape, {}};
  for (int64_t i = 0; i < type.shape.product(); ++i)
    array.data.push_back(type.dtype == DType::Float32 ? double(reinterpret_cast<const float *>(bytes.data())[i])
                                                      : double(reinterpret_cast<const int64_t *>(bytes.data())[i]));
  return array;
}

// The graph with the sizes and strides of its inputs as symbols, equal ones the same, but for small ones, as an eager
// op is compiled.
Graph symbolic(const Graph &graph, std::vector<int64_t> &symbols) {
  int64_t known = 1;
  for (const Node &node : graph.nodes)
    if (info(node.op).family == OpFamily::Contraction)
      for (const Input &input : graph.inputs)
        for (int64_t size : input.type.shape)
          if (size > 1)
            known = std::max(known, order::kFewRows);
  auto replace = [&](Dims dims) {
    for (int64_t &dim : dims) {
      if (dim <= known)
        continue;
      auto at = std::find(symbols.begin(), symbols.end(), dim);
      if (at == symbols.end())
        at = symbols.insert(symbols.end(), dim);
      dim = symbol(int(at - symbols.begin()));
    }
    return dims;
  };
  Graph result;
  for (const Input &input : graph.inputs)
    result.addInput({input.type.dtype, replace(input.type.shape)}, replace(input.strides));
  for (const Node &node : graph.nodes) {
    Attrs attrs = node.attrs;
    for (int i = 0; i < info(node.op).attrCount; ++i)
      if (std::string name = info(node.op).attrs[i].name; name == "shape" || name == "sizes")
        attrs[i].ints = replace(attrs[i].ints);
    add(result, info(node.op).name, node.operands, attrs);
  }
  result.outputs = graph.outputs;
  result.donations = graph.donations;
  result.symbolCount = int(symbols.size());
  return result;
}

std::vector<Bytes> run(const Graph &graph, const std::vector<Array> &arrays, const Graph &types, bool fuse,
                       const std::vector<int64_t> &symbols = {}) {
  CompileOptions options;
  options.fuse = fuse;
  std::string code = weft_compiler_api()->compile(graph, options);
  ExecutablePtr executable = Executable::loadBytes(code.data(), code.size());
  std::vector<Bytes> inputs, outputs;
  std::vector<void *> from, to;
  for (size_t i = 0; i < arrays.size(); ++i)
    inputs.push_back(toBytes(arrays[i], types.inputs[i].type.dtype, types.inputs[i].strides));
  for (Bytes &bytes : inputs)
    from.push_back(bytes.data());
  for (ValueId output : types.outputs)
    outputs.emplace_back(types.type(output).shape.product() * itemSize(types.type(output).dtype) + kPadding, 0xab);
  for (size_t i = 0; i < outputs.size(); ++i) {
    int alias = executable->outputAlias(int(i));
    to.push_back(alias >= 0 ? from[alias] : outputs[i].data());
  }
  executable->run(from.data(), to.data(), symbols.empty() ? nullptr : symbols.data());
  for (size_t i = 0; i < outputs.size(); ++i) {
    size_t bytes = outputs[i].size() - kPadding;
    if (to[i] != outputs[i].data())
      std::memcpy(outputs[i].data(), to[i], bytes);
    for (size_t at = bytes; at < outputs[i].size(); ++at)
      if (outputs[i][at] != 0xab) {
        ADD_FAILURE() << "output " << i << " is written " << at - bytes << " bytes behind its end";
        break;
      }
    outputs[i].resize(bytes);
  }
  return outputs;
}

void check(const Graph &graph, bool alsoSymbolic = false, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::vector<Array> inputs;
  for (const Input &input : graph.inputs) {
    Array array{input.type.shape, {}};
    for (int64_t i = 0; i < array.shape.product(); ++i)
      array.data.push_back(input.type.dtype == DType::Int64 ? double(int(random() % 6) - 1)
                                                            : double(float(random() % 2000) / 1000 - 1));
    for (int dim = 0; dim < input.strides.size(); ++dim) // one element in memory is one value
      for (int64_t i = 0, inner = contiguousStrides(array.shape)[dim]; i < int64_t(array.data.size()); ++i)
        if (input.strides[dim] == 0)
          array.data[i] = array.data[i - i / inner % array.shape[dim] * inner];
    inputs.push_back(array);
  }
  std::vector<Array> expected = interpret(graph, inputs);
  std::vector<Bytes> fused = run(graph, inputs, graph, true), single = run(graph, inputs, graph, false);
  std::vector<Bytes> sized = fused;
  if (alsoSymbolic) {
    std::vector<int64_t> symbols;
    Graph general = symbolic(graph, symbols);
    sized = run(general, inputs, graph, true, symbols);
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    Array result = fromBytes(fused[i], graph.type(graph.outputs[i]));
    for (size_t at = 0; at < result.data.size(); ++at)
      ASSERT_NEAR(result.data[at], expected[i].data[at], 1e-4 + 1e-4 * std::abs(expected[i].data[at]))
          << "output " << i << ", element " << at;
    EXPECT_EQ(fused[i], single[i]) << "fused and not, output " << i;
    EXPECT_EQ(fused[i], sized[i]) << "static and symbolic, output " << i;
  }
}

ValueId input(Graph &graph, Dims shape, DType dtype = DType::Float32, Dims strides = {}) {
  return graph.addInput({dtype, shape}, strides);
}
Attrs ints(Dims dims) { return {Attr::list(dims)}; }
Attrs reduction(Dims dims, bool keep) { return {Attr::list(dims), Attr::boolean(keep)}; }
Attrs contraction(Dims xBatch, Dims yBatch, Dims x, Dims y) {
  return {Attr::list(xBatch), Attr::list(yBatch), Attr::list(x), Attr::list(y)};
}

} // namespace

TEST(Graph, Elementwise) {
  for (Dims shape : {Dims{}, Dims{1}, Dims{37}, Dims{3, 50}, Dims{1, 1}, Dims{0, 4}}) {
    Graph g;
    ValueId x = input(g, shape), y = input(g, shape);
    ValueId z = add(g, "add", {add(g, "mul", {x, y}), y});
    g.outputs = {z, add(g, "neg", {z}), x, z};
    check(g, true);
  }
}

TEST(Graph, Broadcast) {
  for (Dims small : {Dims{}, Dims{20}, Dims{5, 1}, Dims{3, 1, 20}, Dims{3, 1, 1}, Dims{1, 5, 20}}) {
    Graph g;
    ValueId x = input(g, {3, 5, 20}), y = input(g, small);
    g.outputs = {add(g, "add", {x, add(g, "expand", {y}, ints({3, 5, 20}))})};
    check(g, true);
  }
}

TEST(Graph, Strides) {
  for (Dims strides : {Dims{1, 7}, Dims{40, 2}, Dims{0, 1}, Dims{0, 0}, Dims{40, 1}}) {
    Graph g;
    ValueId x = input(g, {7, 20}, DType::Float32, strides), y = input(g, {7, 20});
    g.outputs = {add(g, "add", {x, y}), add(g, "sum", {x}, reduction({1}, false)),
                 add(g, "sum", {x}, reduction({0}, true))};
    check(g, true);
  }
}

TEST(Graph, Moves) {
  Graph g;
  ValueId x = input(g, {4, 6, 10});
  ValueId p = add(g, "permute", {x}, ints({2, 0, 1}));
  ValueId r = add(g, "reshape", {p}, ints({10, 24}));
  ValueId s = add(g, "slice", {r}, {Attr::list({1, 2}), Attr::list({4, 10}), Attr::list({2, 2})});
  ValueId f = add(g, "flip", {s}, ints({1}));
  ValueId d = add(g, "pad", {f}, {Attr::list({1, 0}), Attr::list({0, 2}), Attr::list({1, 0}), Attr::real(0.5)});
  ValueId c = add(g, "concatenate", {d, add(g, "neg", {d}), d}, {Attr::integer(1)});
  ValueId i = add(g, "iota", {}, {Attr::list(g.type(c).shape), Attr::integer(1), Attr::dtype(DType::Float32)});
  g.outputs = {c, add(g, "mul", {c, i}), r, f};
  check(g);
}

TEST(Graph, Rows) {
  for (Dims shape : {Dims{3, 5}, Dims{2, 3, 200}, Dims{40}, Dims{7, 1}, Dims{2, 20000}}) {
    Graph g;
    int last = shape.size() - 1;
    ValueId x = input(g, shape);
    ValueId top = add(g, "amax", {x}, reduction({last}, true));
    ValueId e = add(g, "exp", {add(g, "sub", {x, add(g, "expand", {top}, ints(shape))})});
    ValueId total = add(g, "sum", {e}, reduction({last}, true));
    g.outputs = {add(g, "div", {e, add(g, "expand", {total}, ints(shape))}), total, top};
    check(g, true);
  }
}

TEST(Graph, ColumnsOfRows) {
  for (Dims shape : {Dims{512, 130}, Dims{1100, 128}, Dims{2, 1500, 2, 64}}) {
    Graph g;
    Dims outer, row;
    for (int i = 0; i < shape.size(); ++i)
      (2 * (i + 1) > shape.size() ? row : outer).push_back(i);
    ValueId x = input(g, shape);
    ValueId mean = add(g, "sum", {x}, reduction(row, true));
    ValueId centred = add(g, "sub", {x, add(g, "expand", {mean}, ints(shape))});
    ValueId product = add(g, "mul", {centred, x});
    g.outputs = {product, add(g, "sum", {product}, reduction(outer, false)),
                 add(g, "amin", {x}, reduction(outer, true)), add(g, "amax", {centred}, reduction(outer, false))};
    check(g);
  }
}

TEST(Graph, Reductions) {
  for (const char *op : {"sum", "amax", "amin", "argmax", "argmin"})
    for (Dims shape : {Dims{6, 5, 40}, Dims{70, 3, 2}, Dims{5000, 2, 3}, Dims{3, 2, 9000}, Dims{1, 1, 1}})
      for (Dims dims : {Dims{0}, Dims{1}, Dims{2}, Dims{0, 1}, Dims{1, 2}, Dims{0, 2}, Dims{0, 1, 2}}) {
        if (op[1] == 'r' && dims.size() > 1)
          continue;
        Graph g;
        ValueId x = input(g, shape);
        g.outputs = {add(g, op, {add(g, "neg", {x})}, reduction(dims, dims.size() == 2))};
        SCOPED_TRACE(std::string(op) + toString(shape) + toString(dims));
        check(g, dims.size() == 1);
      }
}

TEST(Graph, LongReductions) {
  for (Dims shape : {Dims{100000}, Dims{3, 50000}}) {
    Graph g;
    ValueId x = input(g, shape);
    g.outputs = {add(g, "amax", {x}, reduction({shape.size() - 1}, false))};
    check(g, true);
  }
}

TEST(Graph, EmptyReduction) {
  Graph g;
  ValueId x = input(g, {3, 0, 4});
  g.outputs = {add(g, "sum", {x}, reduction({1}, false)), add(g, "prod", {x}, reduction({1}, true))};
  check(g);
}

TEST(Graph, Products) {
  struct Case {
    Dims x, y;
    Attrs attrs;
  };
  for (const Case &c :
       std::initializer_list<Case>{{{3, 4}, {4, 5}, contraction({}, {}, {1}, {0})},
                                   {{30, 40}, {50, 40}, contraction({}, {}, {1}, {1})},
                                   {{40, 130}, {40, 70}, contraction({}, {}, {0}, {0})},
                                   {{2, 3, 20, 8}, {2, 3, 8, 33}, contraction({0, 1}, {0, 1}, {3}, {2})},
                                   {{4, 6, 5}, {6, 4, 7}, contraction({0}, {1}, {1}, {0})},
                                   {{3, 4, 5}, {5, 4, 6}, contraction({}, {}, {2, 1}, {0, 1})},
                                   {{3, 4, 5}, {5, 4, 6}, contraction({}, {}, {1}, {1})},
                                   {{8}, {8}, contraction({}, {}, {0}, {0})},
                                   {{3}, {4}, contraction({}, {}, {}, {})},
                                   {{200, 300}, {300, 290}, contraction({}, {}, {1}, {0})},
                                   {{2, 200, 300}, {2, 290, 300}, contraction({0}, {0}, {2}, {2})},
                                   {{200, 0}, {0, 9}, contraction({}, {}, {1}, {0})}}) {
    Graph g;
    ValueId x = input(g, c.x), y = input(g, c.y);
    ValueId z = add(g, "dot_general", {x, y}, c.attrs);
    g.outputs = {add(g, "relu", {z})};
    SCOPED_TRACE(toString(c.x) + toString(c.y));
    check(g, true);
  }
}

TEST(Graph, Linear) {
  Graph g;
  ValueId x = input(g, {32, 100}), w = input(g, {40, 100}), b = input(g, {40}), r = input(g, {32, 40});
  ValueId z = add(g, "dot_general", {x, add(g, "permute", {w}, ints({1, 0}))}, contraction({}, {}, {1}, {0}));
  ValueId s = add(g, "add", {z, add(g, "expand", {b}, ints({32, 40}))});
  g.outputs = {add(g, "mul", {add(g, "relu", {s}), r}), s};
  check(g, true);
}

TEST(Graph, Indexing) {
  Graph g;
  ValueId x = input(g, {5, 30}), rows = input(g, {9}, DType::Int64), table = input(g, {5, 30}, DType::Int64);
  ValueId column = input(g, {5, 1}, DType::Int64), source = input(g, {3, 20}), at = input(g, {3, 20}, DType::Int64);
  g.outputs = {add(g, "index_select", {x, rows}, {Attr::integer(0)}), add(g, "gather", {x, table}, {Attr::integer(0)}),
               add(g, "gather", {add(g, "neg", {x}), column}, {Attr::integer(1)}),
               add(g, "scatter_add", {x, at, source}, {Attr::integer(0)}),
               add(g, "scatter_add", {x, add(g, "expand", {column}, ints({5, 30})), x}, {Attr::integer(1)})};
  check(g, true);
}

TEST(Graph, ScatterOfRows) {
  for (int64_t count : {0, 1, 3, 100}) {
    Graph g;
    ValueId x = input(g, {6, 40}), source = input(g, {count, 40}), rows = input(g, {count, 1}, DType::Int64);
    ValueId many = input(g, {2, 50, 20}), sources = input(g, {2, count, 20}),
            at = input(g, {2, count, 1}, DType::Int64);
    ValueId everyColumn = add(g, "expand", {rows}, ints({count, 40}));
    g.outputs = {add(g, "scatter_add", {x, everyColumn, source}, {Attr::integer(0)}),
                 add(g, "scatter_add", {many, add(g, "expand", {at}, ints({2, count, 20})), add(g, "neg", {sources})},
                     {Attr::integer(1)})};
    check(g, count > 1);
  }
}

TEST(Graph, Donation) {
  Graph g;
  ValueId w = input(g, {100}), m = input(g, {100}), gradient = input(g, {100});
  ValueId next = add(g, "add", {m, gradient});
  g.outputs = {add(g, "sub", {w, next}), next, add(g, "sum", {w}, reduction({0}, false))};
  g.donations = {0, 1, -1};
  check(g, true);
  g.donations = {1, 0, -1};
  check(g);
}

// Chains of views and elementwise ops, with a reduction now and then.
TEST(Graph, RandomViews) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    auto draw = [&](int n) { return int(random() % unsigned(n)); };
    Graph g;
    std::vector<ValueId> values{input(g, {4, 6, 5}), input(g, {6, 1})};
    for (int step = 0; step < 8; ++step) {
      ValueId x = values[draw(int(values.size()))];
      Dims shape = g.type(x).shape;
      int rank = shape.size(), dim = rank ? draw(rank) : 0;
      switch (draw(9)) {
      case 0: {
        Dims order;
        for (int i = 0; i < rank; ++i)
          order.insert(draw(i + 1), i);
        values.push_back(add(g, "permute", {x}, ints(order)));
        break;
      }
      case 1:
        values.push_back(add(g, "reshape", {x}, ints({shape.product()})));
        break;
      case 2:
        if (shape.product() % 2 == 0)
          values.push_back(add(g, "reshape", {x}, ints({2, shape.product() / 2, 1})));
        break;
      case 3: {
        Dims larger = shape;
        if (rank < 4)
          larger.insert(0, 2);
        for (int64_t &size : larger)
          size = size == 1 ? 3 : size;
        if (larger.product() < 5000)
          values.push_back(add(g, "expand", {x}, ints(larger)));
        break;
      }
      case 4:
        if (rank && shape[dim] > 2) {
          Dims starts(rank, 0), sizes = shape, steps(rank, 1);
          starts[dim] = 1;
          sizes[dim] = (shape[dim] - 1 + 1) / 2;
          steps[dim] = 2;
          values.push_back(add(g, "slice", {x}, {Attr::list(starts), Attr::list(sizes), Attr::list(steps)}));
        }
        break;
      case 5:
        if (rank)
          values.push_back(add(g, "flip", {x}, ints({dim})));
        break;
      case 6:
        if (rank && shape.product() < 2000)
          values.push_back(add(g, "concatenate", {x, add(g, "neg", {x})}, {Attr::integer(dim)}));
        break;
      case 7:
        if (rank)
          values.push_back(add(g, "sum", {x}, reduction({dim}, draw(2))));
        break;
      default:
        values.push_back(add(g, "mul", {x, x}));
      }
    }
    g.outputs = {values.back(), values[values.size() / 2]};
    SCOPED_TRACE(seed);
    check(g, false, seed);
  }
}
