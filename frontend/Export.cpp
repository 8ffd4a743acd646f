#include "frontend/Export.h"

#include "frontend/CompilerLibrary.h"

namespace weft {

static InputName nameOf(const CompiledCall &call, int source, const std::vector<std::string> &argumentNames,
                        const std::vector<std::pair<std::string, Tensor>> &weights) {
  const TensorSource &where = call.sources[size_t(source)];
  if (where.isView)
    fail(UserError::Kind::NotImplemented, "export",
         "the model reads a view of a tensor that is shared otherwise; give it a contiguous copy");
  if (where.kind == TensorSource::Kind::Argument)
    return {size_t(where.index) < argumentNames.size() ? argumentNames[size_t(where.index)]
                                                       : "input" + std::to_string(where.index),
            false};
  if (where.kind == TensorSource::Kind::GeneratorState)
    fail(UserError::Kind::NotImplemented, "export", "the model draws random numbers; call its eval() first");
  if (where.kind == TensorSource::Kind::Captured)
    for (const auto &[name, tensor] : weights)
      if (tensor.impl->storage == call.captured[size_t(where.index)].impl->storage)
        return {name, true};
  fail(UserError::Kind::NotImplemented, "export",
       "the model uses a tensor that is neither an argument nor one of its parameters or buffers; register it with "
       "register_buffer");
}

std::string exportText(const CompiledCall &call, const std::vector<std::string> &argumentNames,
                       const std::vector<std::pair<std::string, Tensor>> &weights, const std::string &weightsFile) {
  if (!call.flushes.empty())
    fail(UserError::Kind::NotImplemented, "export",
         "the model needs a tensor's value while it runs (" + call.flushes.front() + "), which a graph cannot hold");
  if (!call.gradWrites.empty())
    fail(UserError::Kind::NotImplemented, "export", "the model writes gradients; export its forward pass");
  for (int i = 0; i < call.outputCount; ++i)
    if (!call.results[size_t(i)].fresh)
      fail(UserError::Kind::NotImplemented, "export",
           "output " + std::to_string(i) + " is an argument or a weight itself; return a copy (clone())");
  std::vector<InputName> names;
  for (int source : call.plan.inputs)
    names.push_back(nameOf(call, source, argumentNames, weights));
  bool weighted = false;
  for (const InputName &name : names)
    weighted |= name.isWeight;
  Graph graph = call.graph;
  graph.donations.clear();
  // C callers and files of weights give row-major order, however the example arguments lie.
  for (Input &input : graph.inputs)
    input.strides = {};
  return compilerLibrary().print(graph, names, weighted ? weightsFile : "");
}

} // namespace weft
