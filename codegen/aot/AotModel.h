// What weft-aot makes of a module: where the inputs of its program come from, and where its outputs go.
#pragma once
#include "codegen/aot/Aot.h"
#include "codegen/aot/Header.h"
#include "codegen/aot/SafeTensors.h"

#include <vector>

namespace weft {

struct AotModel {
  struct Input {
    enum class Kind { Parameter, Weight, State } kind;
    int64_t value; // a parameter's number, or the offset in the file of weights
  };
  struct State { // see WeftModelState in runtime/aot/Model.h
    std::string name;
    int32_t input;
    bool isGenerator;
    int64_t bytes;
    int64_t offset;
  };
  ModelInterface interface;
  std::vector<Input> inputs;
  std::vector<State> states;
  std::vector<int32_t> donations; // of each output of the program: the input that has its value after a run, or -1
  SafeTensors weights;
  std::string weightsPath; // empty: the model reads none

  // Throws std::runtime_error.
  static AotModel read(mlir::ModuleOp module, const Graph &graph, const AotOptions &options);
};

} // namespace weft
