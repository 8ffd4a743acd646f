#include "frontend/trace/BatchedFunction.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/dispatch/RunNode.h"
#include "frontend/executables/Executables.h"

#include <algorithm>
#include <unordered_map>

namespace weft {

static Tensor withoutFirstAxis(const Tensor &batch) {
  Dims strides = batch.strides(), shape = batch.shape();
  strides.erase(0);
  shape.erase(0);
  Tensor example = aliasOf(batch, shape, strides, batch.offset());
  example.impl->requiresGrad = batch.requiresGrad();
  return example;
}

BatchedFunction::BatchedFunction(std::vector<Tensor> given, int64_t size, Trace::Randomness randomness)
    : batches(std::move(given)), size(size), trace({}, Trace::Purpose::Function) {
  trace.setRandomness(randomness, size);
  for (const Tensor &batch : batches)
    placeholders.push_back(trace.exampleLike(withoutFirstAxis(batch)));
}

// By value of the graph: whether it differs from example to example.
static std::vector<bool> differing(const Graph &graph, std::vector<bool> batched) {
  for (const Node &node : graph.nodes)
    batched.push_back(
        std::any_of(node.operands.begin(), node.operands.end(), [&](ValueId v) { return batched[size_t(v)]; }));
  return batched;
}

std::vector<BatchedFunction::Output> BatchedFunction::finish(const std::vector<Tensor> &outputs) {
  std::vector<Tensor> wanted = outputs;
  std::vector<size_t> written;
  for (size_t i = 0; i < placeholders.size(); ++i)
    if (placeholders[i].version() > 0) {
      written.push_back(i);
      wanted.push_back(aliasOf(placeholders[i], placeholders[i].shape(), placeholders[i].strides(), 0));
    }
  std::vector<std::pair<Tensor, OperandCheck>> checks = trace.valueChecks();
  for (auto &[values, rule] : checks)
    wanted.push_back(values);
  Trace::Function function = trace.function(wanted);

  std::unordered_map<const TensorImpl *, Tensor> batchFor;
  for (size_t i = 0; i < placeholders.size(); ++i)
    batchFor[placeholders[i].impl.get()] = batches[i];
  for (const auto &[placeholder, state] : function.states)
    batchFor[placeholder.impl.get()] = expand(state, {size, 2});
  std::vector<Tensor> inputs;
  std::vector<bool> batched;
  for (const Tensor &input : function.inputs) {
    auto found = batchFor.find(input.impl.get());
    batched.push_back(found != batchFor.end());
    inputs.push_back(found != batchFor.end() ? found->second : input);
  }
  std::vector<Tensor> results = run(function, inputs, batched);
  for (size_t k = 0; k < checks.size(); ++k)
    check(results[outputs.size() + written.size() + k], checks[k].second);
  for (size_t k = 0; k < written.size(); ++k)
    copy_(batches[written[k]], results[outputs.size() + k]);
  std::vector<bool> differs = differing(function.graph, batched);
  std::vector<Output> made;
  for (size_t i = 0; i < outputs.size(); ++i)
    made.push_back({results[i], differs[size_t(function.graph.outputs[i])]});
  return made;
}

// The ops one by one; each value is let go of after its last reader.
std::vector<Tensor> BatchedFunction::run(const Trace::Function &function, const std::vector<Tensor> &inputs,
                                         const std::vector<bool> &batched) const {
  std::shared_ptr<const Graph> graph = batchOf(function.graph, batched, size);
  Device device = inputs.empty() ? Device() : inputs[0].device();
  std::vector<int> readers(size_t(graph->valueCount()));
  for (const Node &node : graph->nodes)
    for (ValueId v : node.operands)
      ++readers[size_t(v)];
  for (ValueId v : graph->outputs)
    ++readers[size_t(v)];
  AlreadyChecked later; // the values are looked at afterwards
  const bool gradOutside = gradEnabled();
  std::vector<Tensor> values = inputs;
  values.resize(size_t(graph->valueCount()));
  for (size_t n = 0; n < graph->nodes.size(); ++n) {
    const Node &node = graph->nodes[n];
    if (node.result == 0) {
      // An input that is repeated came of no node.
      GradMode mode(node.location < 0 ? gradOutside
                                      : function.grad[std::stoul(graph->locations[size_t(node.location)])]);
      std::vector<Tensor> results = runNode(*graph, n, values, device);
      for (size_t i = 0; i < results.size(); ++i)
        values[inputs.size() + n + i] = std::move(results[i]);
    }
    for (ValueId v : node.operands)
      if (--readers[size_t(v)] == 0)
        values[size_t(v)] = {};
  }
  std::vector<Tensor> results;
  for (ValueId v : graph->outputs)
    results.push_back(values[size_t(v)]);
  return results;
}

} // namespace weft
