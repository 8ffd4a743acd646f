// The C header of an ahead-of-time model.
#pragma once
#include "ir/Graph.h"

#include <string>
#include <vector>

namespace weft {

struct ModelParameter {
  std::string name;
  TensorType type;
};

struct ModelInterface {
  std::string name, source, target;
  std::vector<ModelParameter> inputs, outputs;
  int symbolCount = 0;
  bool externalWeights = false;
};

std::string headerText(const ModelInterface &model);
// `text` as a C identifier: other characters become '_'.
std::string cIdentifier(const std::string &text);

} // namespace weft
