// A traced call as a file for weft-opt and weft-aot.
#pragma once
#include "frontend/CompiledCall.h"

#include <string>
#include <utility>
#include <vector>

namespace weft {

// The text of the call's graph. `weights` are the tensors that may be captured, with their names in `weightsFile`;
// arguments are called input0, input1, ... or as `argumentNames` says. Throws UserError where the call is more than one
// graph of its arguments and weights: it was not captured whole, it captured another tensor, draws random numbers, or
// returns an argument as it is.
std::string exportText(const CompiledCall &call, const std::vector<std::string> &argumentNames,
                       const std::vector<std::pair<std::string, Tensor>> &weights, const std::string &weightsFile);

} // namespace weft
