#include "Graphs.h"
#include "test/codegen/kernels/Interpreter.h"

namespace weft::test {

namespace {

ValueId input(Graph &graph, Dims shape, DType dtype = DType::Float32) { return graph.addInput({dtype, shape}); }
Attrs ints(Dims dims) { return {Attr::list(dims)}; }
Attrs reduction(Dims dims, bool keep) { return {Attr::list(dims), Attr::boolean(keep)}; }

Graph elementwise(DType dtype) {
  Graph g;
  ValueId x = input(g, {5, 70}, dtype), y = input(g, {70}, dtype);
  ValueId sum = add(g, "add", {x, add(g, "expand", {y}, ints({5, 70}))});
  g.outputs = {add(g, "tanh", {sum}), add(g, "mul", {sum, x})};
  return g;
}

Graph elementary(DType dtype) {
  Graph g;
  ValueId x = input(g, {500}, dtype), y = input(g, {500}, dtype);
  for (const char *op :
       {"exp",  "exp2", "expm1", "log",  "log2",  "log10", "log1p", "sin", "cos",  "tan",     "asin", "acos",
        "atan", "sinh", "cosh",  "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "sigmoid", "rsqrt"})
    g.outputs.push_back(add(g, op, {x}));
  for (const char *op : {"pow", "atan2"})
    g.outputs.push_back(add(g, op, {x, y}));
  return g;
}

// Zeros of both signs, and a constant side.
Graph extrema() {
  Graph g;
  ValueId x = input(g, {8, 40}), y = add(g, "neg", {input(g, {8, 40})});
  ValueId zero =
      add(g, "full", {}, {Attr::list({8, 40}), Attr::real(0), Attr::integer(0), Attr::dtype(DType::Float32)});
  ValueId p = add(g, "mul", {x, zero}), q = add(g, "mul", {y, zero});
  for (const char *op : {"maximum", "minimum"})
    for (ValueId other : {y, zero, add(g, "neg", {zero}), q})
      g.outputs.push_back(add(g, op, {other == y ? x : p, other}));
  return g;
}

Graph randomNumbers() {
  Graph g;
  ValueId state = input(g, {2}, DType::Int64);
  for (const char *op : {"uniform", "normal"})
    for (DType dtype : {DType::Float32, DType::Float64})
      g.outputs.push_back(add(g, op, {state}, {Attr::list({3, 50}), Attr::dtype(dtype), Attr::integer(10)}));
  return g;
}

// More rows than a block of the canonical order, and more scratch memory than a block of threads has.
Graph deepColumns() {
  Graph g;
  ValueId x = input(g, {5000, 70}, DType::Float64);
  ValueId y = add(g, "exp", {x});
  g.outputs = {add(g, "sum", {x}, reduction({0}, false)), add(g, "sum", {y}, reduction({0}, false)),
               add(g, "amax", {y}, reduction({0}, false))};
  return g;
}

Graph casts() {
  Graph g;
  ValueId x = input(g, {300});
  ValueId large = add(g, "mul", {add(g, "exp", {add(g, "mul", {x, add(g, "exp", {x})})}), x});
  for (DType dtype : {DType::Bool, DType::UInt8, DType::Int8, DType::Int16, DType::Int32, DType::Int64, DType::Float16,
                      DType::BFloat16, DType::Float64}) {
    ValueId narrow = add(g, "cast", {large}, {Attr::dtype(dtype)});
    g.outputs.push_back(narrow);
    g.outputs.push_back(add(g, "cast", {narrow}, {Attr::dtype(DType::Float32)}));
  }
  return g;
}

Graph softmax() {
  Graph g;
  ValueId x = input(g, {3, 200});
  ValueId top = add(g, "amax", {x}, reduction({1}, true));
  ValueId e = add(g, "exp", {add(g, "sub", {x, add(g, "expand", {top}, ints({3, 200}))})});
  ValueId total = add(g, "sum", {e}, reduction({1}, true));
  g.outputs = {add(g, "div", {e, add(g, "expand", {total}, ints({3, 200}))}), total};
  return g;
}

Graph reduce(const char *op, Dims shape, Dims dims, DType dtype = DType::Float32) {
  Graph g;
  ValueId x = input(g, shape, dtype);
  g.outputs = {add(g, op, {x}, reduction(dims, false))};
  return g;
}

Graph product(Dims x, Dims y, Attrs attrs, DType dtype = DType::Float32) {
  Graph g;
  ValueId z = add(g, "dot_general", {input(g, x, dtype), input(g, y, dtype)}, attrs);
  g.outputs = {add(g, "relu", {z})};
  return g;
}

Graph indexing() {
  Graph g;
  ValueId x = input(g, {5, 30}), rows = input(g, {9}, DType::Int64);
  ValueId tall = input(g, {9, 30}), at = input(g, {9, 30}, DType::Int64);
  ValueId row = input(g, {9, 1}, DType::Int64);
  ValueId wide = input(g, {5, 40}), along = input(g, {5, 40}, DType::Int64);
  g.outputs = {add(g, "index_select", {x, rows}, {Attr::integer(0)}), add(g, "gather", {x, at}, {Attr::integer(0)}),
               add(g, "scatter_add", {x, at, tall}, {Attr::integer(0)}),
               add(g, "scatter_add", {x, add(g, "expand", {row}, ints({9, 30})), tall}, {Attr::integer(0)}),
               add(g, "scatter_add", {x, along, wide}, {Attr::integer(1)})};
  return g;
}

Graph symbolicSizes() {
  Graph g;
  ValueId x = g.addInput({DType::Float32, {symbol(0), symbol(1)}}),
          y = g.addInput({DType::Float32, {symbol(0), symbol(1)}});
  ValueId z = add(g, "mul", {x, y});
  g.outputs = {add(g, "exp", {z}), add(g, "sum", {z}, reduction({1}, false))};
  g.symbolCount = 2;
  return g;
}

} // namespace

std::vector<NamedGraph> cudaGraphs() {
  auto contraction = [](Dims xBatch, Dims yBatch, Dims x, Dims y) {
    return Attrs{Attr::list(xBatch), Attr::list(yBatch), Attr::list(x), Attr::list(y)};
  };
  return {{"loop_f32", elementwise(DType::Float32)},
          {"loop_f64", elementwise(DType::Float64)},
          {"loop_f16", elementwise(DType::Float16)},
          {"loop_bf16", elementwise(DType::BFloat16)},
          {"elementary_f32", elementary(DType::Float32)},
          {"elementary_f64", elementary(DType::Float64)},
          {"extrema", extrema()},
          {"random", randomNumbers()},
          {"casts", casts()},
          {"columns_deep", deepColumns()},
          {"row", softmax()},
          {"sum_trailing", reduce("sum", {3, 9000}, {1})},
          {"sum_leading", reduce("sum", {300, 70}, {0})},
          {"sum_middle", reduce("sum", {3, 150, 40}, {1})},
          {"sum_long", reduce("sum", {100000}, {0})},
          {"sum_integers", reduce("sum", {3, 90}, {1}, DType::Int64)},
          {"prod_f64", reduce("prod", {3, 90}, {1}, DType::Float64)},
          {"argmax", reduce("argmax", {4, 333}, {1})},
          {"argmin_leading", reduce("argmin", {40, 33}, {0})},
          {"amin", reduce("amin", {4, 333}, {1})},
          {"any", reduce("any", {4, 33}, {1}, DType::Bool)},
          {"product", product({70, 600}, {600, 90}, contraction({}, {}, {1}, {0}))},
          {"product_groups", product({20, 4400}, {4400, 10}, contraction({}, {}, {1}, {0}))},
          {"product_batched", product({2, 20, 8}, {2, 33, 8}, contraction({0}, {0}, {2}, {2}))},
          {"product_bf16", product({20, 30}, {30, 40}, contraction({}, {}, {1}, {0}), DType::BFloat16)},
          {"product_f64", product({20, 300}, {300, 40}, contraction({}, {}, {1}, {0}), DType::Float64)},
          {"product_int32", product({20, 30}, {30, 40}, contraction({}, {}, {1}, {0}), DType::Int32)},
          {"product_outer", product({2, 30, 1}, {2, 1, 40}, contraction({0}, {0}, {2}, {1}))},
          {"product_of_row", product({2, 1, 300}, {2, 300, 40}, contraction({0}, {0}, {2}, {1}))},
          {"product_of_few_rows", product({3, 300}, {70, 300}, contraction({}, {}, {1}, {1}))},
          {"product_of_few_columns", product({70, 300}, {300, 7}, contraction({}, {}, {1}, {0}))},
          {"product_of_column", product({40, 5000}, {5000}, contraction({}, {}, {1}, {0}))},
          {"indexing", indexing()},
          {"symbolic", symbolicSizes()}};
}

} // namespace weft::test
