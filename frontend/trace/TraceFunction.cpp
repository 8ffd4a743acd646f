// A function of one example as a graph. It may be traced within another trace: its own tensors are those that the trace
// made; all others are inputs of the graph, whatever they are outside.
#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/trace/TraceState.h"

#include <algorithm>
#include <unordered_set>

namespace weft {

bool Trace::isFunction() const { return state->purpose == Purpose::Function; }

void Trace::refuseInFunction(const std::string &why) const {
  std::string line = state->line();
  std::string name = state->transform;
  fail(UserError::Kind::Runtime, state->transform,
       (line.empty() ? "" : line + ": ") + why + ", which a function within " + name +
           " cannot do, since it runs once for all of them; express it by operations on tensors (weft.where() for a "
           "branch), or do it outside of " +
           name);
}

void Trace::setTransform(const char *name) { state->transform = name; }

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
  Trace *owner = tensor.impl->storage->lazyTrace;
  if (owner && owner->isFunction())
    owner->evaluateOutside(*tensor.impl->storage);
  else if (state->outside)
    state->outside->noteRead(tensor);
}

// What is the same for all examples has a value outside.
void Trace::evaluateOutside(Storage &storage) {
  std::vector<char> needed(state->nodes.size());
  std::unordered_map<ValueId, Tensor> values;
  auto need = [&](ValueId v) {
    if (v >= State::kFirstNode)
      needed[size_t(v - State::kFirstNode)] = 1;
    else if (values[v] = state->inputs[size_t(v)]; values[v].impl->storage->lazyTrace == this)
      refuseInFunction("the value of a tensor was read");
  };
  need(storage.lazyValue);
  for (size_t n = needed.size(); n-- > 0;)
    if (needed[n])
      std::for_each(state->nodes[n].operands.begin(), state->nodes[n].operands.end(), need);
  Outside outside(*this);
  GradMode off(false);
  for (size_t n = 0; n < needed.size(); ++n) {
    const Node &node = state->nodes[n];
    if (!needed[n] || node.result > 0) // further results are there already
      continue;
    std::vector<Tensor> operands, results;
    for (ValueId v : node.operands)
      operands.push_back(values.at(v));
    if (operands.empty())
      results = {applyCreation(node.op, node.attrs, state->device)};
    else
      results = applyAll(node.op, operands.data(), int(operands.size()), node.attrs);
    for (size_t i = 0; i < results.size(); ++i)
      values[State::kFirstNode + ValueId(n + i)] = results[i];
  }
  Tensor value = values.at(storage.lazyValue).clone(); // memory of its own, row-major
  value.data();
  storage.takeMemory(*value.impl->storage);
  state->lazies[size_t(storage.lazySlot)] = nullptr;
  storage.lazyTrace = nullptr;
}

Tensor Trace::stateOfExamples(int64_t count, int64_t &offset, Device device) {
  if (state->randomness == Randomness::Error)
    fail(UserError::Kind::Runtime, state->transform,
         state->examples
             ? "a random operation was called under vmap with randomness='error'; pass randomness='same' or "
               "'different' to vmap, or draw outside of it"
             : std::string("a random operation was called within ") + state->transform +
                   "; draw before, an entry a step, and pass the numbers in");
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

const std::vector<std::pair<Tensor, OperandCheck>> &Trace::valueChecks() const { return state->valueChecks; }

bool Trace::reachesOutside(const std::vector<Tensor> &tensors) const {
  std::unordered_set<const TensorImpl *> outside;
  for (const Tensor &input : state->inputs)
    outside.insert(input.impl.get());
  std::vector<const TapeNode *> stack;
  std::unordered_set<const TapeNode *> seen;
  auto add = [&](const TapeNode *node) {
    if (node && seen.insert(node).second)
      stack.push_back(node);
  };
  for (const Tensor &t : tensors) {
    if (t.impl->requiresGrad && outside.count(t.impl.get()))
      return true;
    add(tapeNode(*t.impl));
  }
  while (!stack.empty()) {
    const TapeNode *node = stack.back();
    stack.pop_back();
    if (isFromBefore(*node))
      return true;
    for (const TapeOperand &operand : node->operands) {
      if (operand.leaf && outside.count(operand.leaf.get()))
        return true;
      add(operand.node.get());
    }
  }
  return false;
}

Trace::Function Trace::function(const std::vector<Tensor> &outputs) {
  Function result;
  std::vector<ValueId> wanted, ids;
  for (const Tensor &output : outputs) {
    GradMode mode(output.requiresGrad());
    wanted.push_back(valueOf(output));
  }
  result.graph = state->takeGraph(wanted, result.inputs, ids);
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
