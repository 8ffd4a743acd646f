// Graphs that between them need every kind of kernel.
#pragma once
#include "ir/Graph.h"

#include <string>
#include <vector>

namespace weft::test {

struct NamedGraph {
  std::string name;
  Graph graph;
};
std::vector<NamedGraph> cudaGraphs();

} // namespace weft::test
