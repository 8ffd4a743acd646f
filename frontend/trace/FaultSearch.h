// Where a program gives other bits than its ops one by one, which is what eager code runs: by delta debugging (Zeller,
// 1999) of the graph, with the right values for what is cut off, and then by running ever more steps of the pipeline.
// compile(check=True), weft-opt --replay and weft-reduce.
#pragma once
#include "codegen/Compiler.h"
#include "frontend/tensor/Tensor.h"

#include <limits>
#include <string>
#include <vector>

namespace weft {

class FaultSearch {
public:
  // inputs: laid out as the graph says. Runs the ops.
  FaultSearch(Replay program, std::vector<Tensor> inputs);
  // Throws UserError where the program lacks a value of an input.
  explicit FaultSearch(Replay program);

  // How results of the program differ from the ops'; empty where they do not.
  std::string differenceOf(const std::vector<Tensor> &outputs) const;
  // The same of those that it has when it is compiled and run now.
  std::string difference() const;

  // Takes of the program whatever it differs without, as far as trying can tell. False: as it is it does not differ.
  bool narrow();
  // The pass by which what is left differs, after so many steps of the pipeline (0: code generation).
  int steps() const;
  static std::string passAfter(int steps);
  std::string ops() const; // what is left, in order: "mul at f.py:3, sub at f.py:4"
  // The same as a program, without the values of inputs of more bytes.
  Replay part(size_t mostBytes = std::numeric_limits<size_t>::max()) const;

private:
  // A part of a graph: what computes some values from others.
  struct Part {
    std::vector<ValueId> outputs;
    std::vector<char> isCut; // by value: it is an input
  };
  Graph graphOf(const Part &part, std::vector<ValueId> &given) const;
  bool differs(const Part &part, int steps = -1) const;
  std::vector<Tensor> resultsOf(const Part &part, int steps) const;
  void cutAsLateAsPossible();
  bool narrowAt(ValueId v);
  bool accept(Part candidate);
  const Node &node(ValueId v) const;
  std::vector<char> neededBy(const Part &part) const;

  const Replay program;
  const Device device;
  std::vector<Tensor> values; // of the ops one by one
  Part left;
};

} // namespace weft
