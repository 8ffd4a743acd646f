// Graphs by the definitions of their ops, one element at a time, in float64: what compiled programs are compared with.
#pragma once
#include "ir/OpTable.h"

#include <vector>

namespace weft::test {

struct Array {
  Dims shape;
  std::vector<double> data; // row-major
};

// Of ops of all families but random ones; elementwise: add, sub, mul, div, maximum, neg, exp, relu, cast.
std::vector<Array> interpret(const Graph &graph, const std::vector<Array> &inputs);
// Ops by name and attributes in order; the type is inferred.
ValueId add(Graph &graph, const char *op, std::vector<ValueId> operands, Attrs attrs = {});

} // namespace weft::test
