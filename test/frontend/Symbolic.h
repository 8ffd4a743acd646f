// Graphs recorded at two sets of sizes and made one with symbols, for tests.
#pragma once
#include "Common.h"
#include "ir/Graph.h"

#include <functional>
#include <vector>

namespace weft::test {

using List = std::vector<Tensor>;
using Sizes = std::vector<int64_t>; // values of symbols
using Function = std::function<List(const List &)>;
using Arguments = std::function<List(const Sizes &)>;
using Bytes = std::vector<char>;

struct Recorded {
  Graph graph;
  List inputs;
};
Recorded record(const Function &function, const List &arguments);

// What is equal in both stays, sizes that differ become symbols or products of some, whose values those of the sizes
// are. Throws std::runtime_error where the graphs differ otherwise. The values of a graph's symbols should be distinct
// primes.
Graph unify(const Graph &a, const Graph &b, const Sizes &ofA, const Sizes &ofB);

// The bytes of all outputs.
std::vector<Bytes> run(const Graph &graph, const List &inputs, const Sizes &symbols);

} // namespace weft::test
