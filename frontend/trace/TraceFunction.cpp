// A function of one example as a graph. It may be traced within another trace: its own tensors are those that the trace
// made; all others are inputs of the graph, whatever they are outside.
#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/trace/TraceState.h"

namespace weft {

bool Trace::isFunction() const { return state->purpose == Purpose::Function; }

void Trace::refuseInFunction(const std::string &why) const {
  std::string line = state->line();
  fail(UserError::Kind::Runtime, "vmap",
       (line.empty() ? "" : line + ": ") + why +
           ", which a function of one example cannot do, since it runs once for all of them; express it by operations "
           "on tensors (weft.where() for a branch), or do it outside of vmap");
}

Trace *Trace::outermost() {
  Trace *trace = active();
  while (trace && trace->isFunction())
    trace = trace->state->outside;
  return trace;
}

Trace::Outside::Outside(const Trace &trace) : before(active()) { setActive(trace.state->outside); }
Trace::Outside::~Outside() { setActive(before); }

Tensor Trace::exampleLike(const Tensor &example) {
  auto input = ValueId(state->inputs.size());
  Tensor placeholder = state->tensorOf(input, example.type(), example.device());
  placeholder.impl->requiresGrad = example.requiresGrad();
  state->inputs.push_back(placeholder);
  return placeholder;
}

void Trace::setRandomness(Randomness randomness, int64_t examples) {
  state->randomness = randomness;
  state->examples = examples;
}

ValueId Trace::capturedInFunction(const Tensor &t) {
  auto [known, isNew] = state->captured.try_emplace(t.impl.get(), ValueId(state->inputs.size()));
  if (isNew)
    state->inputs.push_back(t);
  return known->second;
}

// A node of its own under no_grad, so that the ops that run in the end are cut off there, too.
void Trace::noteDetached(const Tensor &tensor, const Tensor &detached) {
  if (!isFunction() || !tensor.requiresGrad())
    return;
  GradMode off(false);
  ValueId value = valueOf(tensor);
  state->remember(*detached.impl,
                  state->addNode(OpKind::Reshape, {value}, {Attr::list(tensor.shape())}, tensor.type()));
}

void Trace::noteRead(const Tensor &tensor) {
  if (!isFunction())
    return flush("the value of a tensor was read");
  const Trace *owner = tensor.impl->storage->lazyTrace;
  if (owner && owner->isFunction())
    refuseInFunction("the value of a tensor was read");
  if (state->outside)
    state->outside->noteRead(tensor);
}

Tensor Trace::stateOfExamples(int64_t count, int64_t &offset, Device device) {
  if (state->randomness == Randomness::Error)
    fail(UserError::Kind::Runtime, "vmap",
         "a random operation was called with randomness='error'; pass randomness='same' or 'different' to vmap, or draw "
         "outside of it");
  bool same = state->randomness == Randomness::Same;
  Tensor drawn;
  {
    Outside outside(*this);
    drawn = weft::randomState(same ? count : count * state->examples, offset, device);
  }
  if (same)
    return drawn;
  Tensor placeholder = exampleLike(drawn);
  state->states.emplace_back(placeholder, drawn);
  return placeholder;
}

Trace::Function Trace::function(const std::vector<Tensor> &outputs) {
  Function result;
  std::vector<ValueId> wanted, ids;
  for (const Tensor &output : outputs) {
    GradMode mode(output.requiresGrad());
    wanted.push_back(valueOf(output));
  }
  result.graph = state->buildGraph(wanted, result.inputs, ids);
  result.graph.outputs = ids;
  result.states = state->states;
  Graph &graph = result.graph;
  for (Input &input : graph.inputs)
    input.strides = {};
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    result.grad.push_back(state->underGrad[size_t(graph.nodes[i].location)]);
    graph.nodes[i].location = int32_t(i);
    graph.locations.push_back(std::to_string(i));
  }
  state->endSegment();
  setActive(state->outside);
  return result;
}

} // namespace weft
