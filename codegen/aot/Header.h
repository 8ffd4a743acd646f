// The C header of an ahead-of-time model.
#pragma once
#include "ir/Graph.h"

#include <string>
#include <vector>

namespace weft {

struct ModelParameter {
  std::string name;
  TensorType type;
  bool isWritten = false; // an input that the model also writes to
};

struct ModelInterface {
  std::string name, source, target;
  std::vector<ModelParameter> inputs, outputs;
  std::vector<ModelParameter> states; // kept in an instance
  std::string generator;              // the one of them that is the state of the random stream; empty: none
  int symbolCount = 0;
  bool externalWeights = false;
};

std::string headerText(const ModelInterface &model);
// What the header says, as JSON, for programs that open the library: python/weft/_udf.py reads it.
std::string interfaceText(const ModelInterface &model);
// `text` as a C identifier: other characters become '_'.
std::string cIdentifier(const std::string &text);
std::string cParameter(const std::string &text); // the same, and no keyword of C or C++

} // namespace weft
