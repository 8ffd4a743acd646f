// One graph for many that are alike but for sizes and numbers: their least general generalisation (Plotkin, 1970).
// Sizes that differ become symbols, or products of them; numbers that differ become further inputs.
#pragma once
#include "ir/Graph.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weft {

struct AttrInfo;
bool namesSizes(const AttrInfo &attr); // an attribute that is a list of sizes

// A graph as what it shares with others and what it may differ in.
struct GraphParts {
  std::string skeleton; // everything but the values: equal for graphs that can have one program
  std::vector<int64_t>
      values; // sizes, strides, numbers by their bits, starts of slices and random numbers, padding; in order
};

// sizes: whether they are among the values; else they belong to the skeleton, as sizes of 0 and 1 always do.
GraphParts partsOf(const Graph &graph, bool sizes);

// Sizes of inputs that are said to vary.
struct VaryingSizes {
  std::vector<std::vector<int>> axes; // of each input
  bool any() const;
};

// The values of a graph as it would most likely be if the sizes were others: what shape rules and equal sizes tell.
// None where the rules do not allow it.
std::optional<std::vector<int64_t>> likelyInstance(const Graph &graph, const VaryingSizes &varying);

// What an input that the general graph has beside its instances' inputs holds, by an instance's values.
struct NumberInput {
  enum class Kind : uint8_t { Real, Integer, RandomState };
  Kind kind;
  DType dtype;
  int value;      // which of the values: a number, a start, or by how much random numbers start later
  int state = -1; // RandomState: the input that is the state
};

// The graph with the values of its symbols in their place.
Graph instanceOf(const Graph &graph, const std::vector<int64_t> &symbols);

class GeneralGraph {
public:
  // Of a graph, and the values of several with its skeleton, its own among them. Null where a shape rule needs a size's
  // value.
  static std::shared_ptr<const GeneralGraph> of(const Graph &graph, bool sizes,
                                                const std::vector<std::vector<int64_t>> &instances);

  // Whether the values, of a graph with the skeleton, are those of an instance; then what its symbols are.
  bool matches(const std::vector<int64_t> &values, std::vector<int64_t> &symbols) const;

  const Graph &graph() const { return general; }
  const std::vector<NumberInput> &numbers() const { return further; } // the graph's last inputs

private:
  class Builder;
  // What a value must be.
  struct Term {
    enum class Kind : uint8_t { Constant, Anything, Symbol, Product };
    Kind kind = Kind::Constant;
    int symbol = -1; // Symbol: defined here
    int64_t constant = 0;
    Dims factors; // Product: symbols
  };
  Graph general;
  std::vector<Term> terms; // of each value
  std::vector<NumberInput> further;
};

} // namespace weft
