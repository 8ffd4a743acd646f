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
  bool isRandom = false;              // one of them is the state of the random stream
  int symbolCount = 0;
  bool externalWeights = false;
};

std::string headerText(const ModelInterface &model);
// `text` as a C identifier: other characters become '_'.
std::string cIdentifier(const std::string &text);
std::string cParameter(const std::string &text); // the same, and no keyword of C or C++

} // namespace weft
