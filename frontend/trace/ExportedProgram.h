// A traced function as a program that stands alone (Trace::exported).
#pragma once
#include "codegen/Compiler.h"
#include "frontend/tensor/Tensor.h"

#include <string>
#include <vector>

namespace weft {

struct ExportedProgram {
  struct Input {
    InputRole role;
    Tensor tensor; // an argument's placeholder; else as it was before the trace
  };
  std::vector<Input> inputs; // of the graph; first the arguments, also those that the function does not read
  // The outputs are the function's, then, as donations, what inputs hold after a run.
  Graph graph;
};

// The function put `after` where `before` was: in an attribute, a list, a variable. Both are of one type.
struct Replacement {
  std::string path; // for messages: "model.hidden"
  Tensor before, after;
  std::string line; // of the user's; empty where unknown
};

} // namespace weft
