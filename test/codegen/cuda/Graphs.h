// Graphs that between them need every kind of kernel.
#pragma once
#include "ir/Graph.h"

#include <ostream>
#include <string>
#include <vector>

namespace weft::test {

struct NamedGraph {
  std::string name;
  Graph graph;
};
inline void PrintTo(const NamedGraph &named, std::ostream *out) { *out << named.name; }
std::vector<NamedGraph> cudaGraphs();

} // namespace weft::test
