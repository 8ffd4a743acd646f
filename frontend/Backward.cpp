// backward() and grad(): the reachable tape becomes a Graph, the autodiff pass appends the derivative, and what was
// appended runs op by op.
//
// A tensor whose cotangent somebody wants to see or change (a hook, retain_grad, a non-leaf input of grad()) is a cut:
// its readers see a further input of the graph, whose cotangent the derivative then gives, and the tensor itself is one
// more output, whose cotangent is what the hooks make of that.
#include "frontend/Autograd.h"
#include "frontend/Dispatch.h"
#include "frontend/Executables.h"
#include "frontend/Ops.h"
#include "frontend/Trace.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace weft {

using Kind = UserError::Kind;

namespace {

struct Request {
  const std::vector<Tensor> &outputs;
  std::vector<Tensor> gradients;
  const std::vector<Tensor> *inputs; // null: all leaves, into their .grad
  bool createGraph;
  const char *name;
};

class Backward {
public:
  Backward(const Request &request) : request(request) {}
  void run();
  void release();

  std::vector<std::pair<Ref<TensorImpl>, Tensor>> leafGradients;
  std::unordered_map<TapeNode *, Tensor> nodeGradients; // of the cuts

private:
  // An input of the graph: a leaf, a constant operand, a cut or a cotangent.
  struct GraphInput {
    SavedTensor saved;
    Ref<TensorImpl> leaf;
    TapeNode *cut = nullptr;
    Tensor value; // cotangents
  };
  struct Cut {
    TapeNode *node;
    int input;          // that its readers see
    int cotangent = -1; // input: of the node's own output; -1 where nothing below is wanted
    int wrt = -1;       // position among the derivative's outputs
    bool resolved = false;
  };

  void collect();
  void buildGraph();
  bool isCut(TapeNode *node) const;
  bool wanted(TensorImpl *leaf) const;
  ValueId operandValue(TapeNode *node, size_t i);
  void countUses();
  void evaluate(ValueId target);
  Tensor valueOf(ValueId v);
  Tensor forwardValue(ValueId v);
  Tensor unpack(const SavedTensor &saved, TapeNode *history, const TapeNode *reader) const;
  void resolve(Cut &cut);

  const Request &request;
  std::vector<TapeNode *> nodes; // in recorded order
  std::unordered_map<TapeNode *, int> position;
  std::unordered_map<TapeNode *, int> cutOf; // index in cuts
  std::vector<Cut> cuts;
  std::vector<GraphInput> inputs;
  std::unordered_map<void *, ValueId> inputOf; // by leaf or by saved tensor
  std::unordered_map<int64_t, ValueId> lonely; // (node, operand) whose value is not kept
  Graph graph;
  std::shared_ptr<const Graph> derivative;
  std::vector<int> wrt;
  std::vector<Ref<TensorImpl>> leaves; // of wrt, in order; null for cuts
  std::unordered_map<ValueId, Tensor> values;
  std::unordered_map<ValueId, int> uses;
};

bool Backward::isCut(TapeNode *node) const {
  if (!node->hooks.empty() || (node->resultMeta && node->resultMeta->retainGrad))
    return true;
  if (request.inputs)
    for (const Tensor &input : *request.inputs)
      if (tapeNode(*input.impl) == node)
        return true;
  return false;
}

bool Backward::wanted(TensorImpl *leaf) const {
  if (!request.inputs)
    return true;
  for (const Tensor &input : *request.inputs)
    if (input.impl.get() == leaf)
      return true;
  return false;
}

// The nodes that the outputs depend on.
void Backward::collect() {
  std::unordered_set<TapeNode *> seen;
  std::vector<TapeNode *> stack;
  for (const Tensor &output : request.outputs)
    if (TapeNode *node = tapeNode(*output.impl))
      if (seen.insert(node).second)
        stack.push_back(node);
  while (!stack.empty()) {
    TapeNode *node = stack.back();
    stack.pop_back();
    if (node->emptied)
      fail(
          Kind::Runtime, request.name,
          "Trying to backward through the graph a second time (or directly access saved tensors after they have "
          "already "
          "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
          "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
          "saved tensors after calling backward.");
    nodes.push_back(node);
    for (const TapeOperand &operand : node->operands)
      if (operand.node && seen.insert(operand.node.get()).second)
        stack.push_back(operand.node.get());
  }
  std::sort(nodes.begin(), nodes.end(), [](TapeNode *a, TapeNode *b) { return a->order < b->order; });
}

void Backward::buildGraph() {
  auto addInput = [&](const TensorType &type, GraphInput input) {
    inputs.push_back(std::move(input));
    return graph.addInput(type);
  };
  // Inputs come first in a graph, so that nodes are numbered from what the first walk over the tape found.
  for (size_t n = 0; n < nodes.size(); ++n) {
    TapeNode *node = nodes[n];
    position[node] = int(n);
    for (size_t i = 0; i < node->operands.size(); ++i) {
      const TapeOperand &operand = node->operands[i];
      if (operand.node)
        continue;
      void *key = operand.leaf ? operand.leaf.get() : operand.saved.impl.get();
      if (!key) {
        lonely[int64_t(n) << 32 | int64_t(i)] = addInput(operand.type, {});
        continue;
      }
      auto [found, isNew] = inputOf.try_emplace(key, 0);
      if (isNew)
        found->second = addInput(operand.type, {operand.saved, operand.leaf, nullptr, {}});
      else if (!inputs[size_t(found->second)].saved.impl)
        inputs[size_t(found->second)].saved = operand.saved;
    }
    if (isCut(node)) {
      cutOf[node] = int(cuts.size());
      cuts.push_back({node, addInput(node->type, {node->result, {}, node, {}})});
    }
  }
  std::vector<int> cutCotangents;
  for (size_t o = 0; o < request.outputs.size(); ++o) {
    const Tensor &output = request.outputs[o];
    if (!tapeNode(*output.impl) && !inputOf.count(output.impl.get())) // a leaf that is itself an output
      inputOf[output.impl.get()] = addInput(output.type(), {{}, output.impl, nullptr, {}});
  }
  for (size_t o = 0; o < request.outputs.size(); ++o)
    addInput(request.outputs[o].type(), {{}, {}, nullptr, request.gradients[o]});
  for (Cut &cut : cuts)
    cut.cotangent = addInput(cut.node->type, {});

  int inputCount = int(graph.inputs.size());
  for (TapeNode *node : nodes) {
    std::vector<ValueId> operands;
    for (size_t i = 0; i < node->operands.size(); ++i)
      operands.push_back(operandValue(node, i));
    graph.addNode(node->op, std::move(operands), node->attrs, node->type);
  }
  for (const Tensor &output : request.outputs) {
    TapeNode *node = tapeNode(*output.impl);
    auto cut = node ? cutOf.find(node) : cutOf.end();
    graph.outputs.push_back(!node                ? inputOf.at(output.impl.get())
                            : cut != cutOf.end() ? cuts[size_t(cut->second)].input
                                                 : inputCount + position.at(node));
  }
  for (Cut &cut : cuts)
    graph.outputs.push_back(inputCount + position.at(cut.node));

  for (size_t i = 0; i < inputs.size(); ++i) {
    GraphInput &input = inputs[i];
    bool leaf = input.leaf && wanted(input.leaf.get());
    if (!leaf && !input.cut)
      continue;
    if (input.cut)
      cuts[size_t(cutOf.at(input.cut))].wrt = int(wrt.size());
    wrt.push_back(int(i));
    leaves.push_back(leaf ? input.leaf : Ref<TensorImpl>());
  }
}

ValueId Backward::operandValue(TapeNode *node, size_t i) {
  const TapeOperand &operand = node->operands[i];
  if (operand.node) {
    auto cut = cutOf.find(operand.node.get());
    return cut != cutOf.end() ? cuts[size_t(cut->second)].input
                              : int(graph.inputs.size()) + position.at(operand.node.get());
  }
  void *key = operand.leaf ? operand.leaf.get() : operand.saved.impl.get();
  return key ? inputOf.at(key) : lonely.at(int64_t(position.at(node)) << 32 | int64_t(i));
}

// How often each value that will be computed is read, so that it can be dropped after its last reader.
void Backward::countUses() {
  int known = int(graph.inputs.size() + graph.nodes.size());
  std::vector<ValueId> stack;
  auto use = [&](ValueId v) {
    if (v >= known && uses[v]++ == 0)
      stack.push_back(v);
  };
  for (ValueId v : derivative->outputs)
    use(v);
  while (!stack.empty()) {
    const Node &node = derivative->nodes[size_t(stack.back()) - graph.inputs.size()];
    stack.pop_back();
    for (ValueId v : node.operands)
      use(v);
  }
}

Tensor Backward::unpack(const SavedTensor &saved, TapeNode *history, const TapeNode *reader) const {
  Tensor t(saved.impl);
  for (size_t n = 0; !reader && t.version() != saved.version && n < nodes.size(); ++n) // for the message
    for (const TapeOperand &operand : nodes[n]->operands)
      if (operand.saved.impl == saved.impl)
        reader = nodes[n];
  if (t.version() != saved.version)
    fail(Kind::Runtime, request.name,
         std::string(
             "one of the variables needed for gradient computation has been modified by an inplace operation: [") +
             toString(t.type()) + "], " +
             (reader ? std::string("saved by '") + info(reader->op).name + "'" : "a saved tensor") +
             ", is at version " + std::to_string(t.version()) + "; expected version " + std::to_string(saved.version) +
             " instead. Hint: clone() the tensor before it is modified, or use the out-of-place operation.");
  if (!request.createGraph || !history || tapeNode(*t.impl) == history)
    return t;
  Tensor connected = t.detach();
  connected.impl->requiresGrad = true;
  AutogradMeta &meta = autogradMeta(*connected.impl);
  meta.node = Ref<TapeNode>(history);
  return connected;
}

Tensor Backward::forwardValue(ValueId v) {
  TapeNode *node = nodes[size_t(v) - graph.inputs.size()];
  if (node->result.impl)
    return unpack(node->result, node, node);
  for (TapeNode *reader : nodes)
    for (TapeOperand &operand : reader->operands)
      if (operand.node.get() == node && operand.saved.impl)
        return unpack(operand.saved, node, reader);
  std::vector<Tensor> operands;
  for (ValueId operand : graph.nodes[size_t(v) - graph.inputs.size()].operands)
    operands.push_back(valueOf(operand));
  return apply(node->op, operands.data(), int(operands.size()), node->attrs);
}

Tensor Backward::valueOf(ValueId v) {
  auto known = values.find(v);
  if (known != values.end())
    return known->second;
  Tensor value;
  if (v < int(graph.inputs.size())) {
    GraphInput &input = inputs[size_t(v)];
    for (Cut &cut : cuts)
      if (cut.cotangent == v)
        resolve(cut);
    if (input.value.defined())
      value = input.value;
    else if (input.cut)
      value = forwardValue(int(graph.inputs.size()) + position.at(input.cut));
    else if (input.saved.impl)
      value = unpack(input.saved, nullptr, nullptr);
    else if (input.leaf)
      value = Tensor(input.leaf);
    else
      throw std::logic_error("backward: the derivative reads a value that the tape does not keep");
  } else if (v < graph.valueCount()) {
    value = forwardValue(v);
  } else {
    evaluate(v);
    return values.at(v);
  }
  return values[v] = value;
}

// Computes `target` and what it needs of the appended nodes, in their order.
void Backward::evaluate(ValueId target) {
  int known = graph.valueCount();
  std::vector<ValueId> needed, stack;
  std::unordered_set<ValueId> seen;
  auto need = [&](ValueId v) {
    if (v >= known && !values.count(v) && seen.insert(v).second)
      stack.push_back(v);
  };
  need(target);
  while (!stack.empty()) {
    ValueId v = stack.back();
    stack.pop_back();
    needed.push_back(v);
    for (ValueId operand : derivative->nodes[size_t(v) - graph.inputs.size()].operands)
      need(operand);
  }
  std::sort(needed.begin(), needed.end());
  for (ValueId v : needed) {
    if (values.count(v))
      continue;
    const Node &node = derivative->nodes[size_t(v) - graph.inputs.size()];
    std::vector<Tensor> operands;
    for (ValueId operand : node.operands)
      operands.push_back(valueOf(operand));
    Device device = request.outputs[0].device();
    values[v] = operands.empty() ? applyCreation(node.op, node.attrs, device)
                                 : apply(node.op, operands.data(), int(operands.size()), node.attrs);
    for (ValueId operand : node.operands) {
      auto use = uses.find(operand);
      if (use != uses.end() && --use->second == 0)
        values.erase(operand);
    }
  }
}

static Tensor runHooks(const std::vector<std::pair<int64_t, GradHook>> &hooks, Tensor cotangent) {
  auto copy = hooks; // a hook may remove itself
  for (auto &[handle, hook] : copy)
    if (Tensor changed = hook(cotangent); changed.defined())
      cotangent = changed;
  return cotangent;
}

void Backward::resolve(Cut &cut) {
  if (cut.resolved)
    return;
  cut.resolved = true;
  Tensor cotangent = runHooks(cut.node->hooks, valueOf(derivative->outputs[size_t(cut.wrt)]));
  inputs[size_t(cut.cotangent)].value = cotangent;
  nodeGradients[cut.node] = cotangent;
  if (cut.node->resultMeta && cut.node->resultMeta->retainGrad)
    cut.node->resultMeta->grad = cotangent;
}

void Backward::run() {
  GradMode mode(request.createGraph);
  collect();
  buildGraph();
  if (wrt.empty())
    return;
  derivative = derivativeOf(graph, wrt);
  countUses();
  for (size_t k = 0; k < wrt.size(); ++k)
    if (leaves[k])
      leafGradients.emplace_back(leaves[k], valueOf(derivative->outputs[k]));
  for (Cut &cut : cuts)
    resolve(cut);
}

void Backward::release() {
  for (TapeNode *node : nodes) {
    bool any = bool(node->result.impl);
    node->result = {};
    for (TapeOperand &operand : node->operands) {
      any |= bool(operand.saved.impl);
      operand.saved = {};
    }
    node->emptied |= any;
    node->released |= node->emptied;
    for (const TapeOperand &operand : node->operands)
      node->released |= operand.node && operand.node->released;
  }
}

std::vector<Tensor> startGradients(const char *name, const std::vector<Tensor> &outputs,
                                   const std::vector<Tensor> &gradients) {
  if (!gradients.empty() && gradients.size() != outputs.size())
    fail(Kind::Runtime, name,
         "got " + std::to_string(outputs.size()) + " tensors and " + std::to_string(gradients.size()) + " gradients");
  std::vector<Tensor> result;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor &output = outputs[i];
    if (!output.requiresGrad())
      fail(Kind::Runtime, name,
           "element " + std::to_string(i) + " of tensors does not require grad and does not have a grad_fn");
    Tensor gradient = i < gradients.size() ? gradients[i] : Tensor();
    if (!gradient.defined()) {
      if (output.numel() != 1)
        fail(Kind::Runtime, name,
             "grad can be implicitly created only for scalar outputs; got " + toString(output.type()) +
                 "; pass gradient= or reduce the output to one number");
      gradient = full(output.shape(), Tensor::wrapped(1.0), output.dtype(), output.device());
    } else if (gradient.shape() != output.shape()) {
      fail(Kind::Runtime, name,
           "Mismatch in shape: grad_output[" + std::to_string(i) + "] has a shape of " + toString(gradient.shape()) +
               " and output[" + std::to_string(i) + "] has a shape of " + toString(output.shape()) + ".");
    }
    result.push_back(gradient.dtype() == output.dtype() ? gradient : gradient.to(output.dtype()));
  }
  return result;
}

} // namespace

static void accumulate(const Tensor &leaf, Tensor gradient, bool createGraph) {
  GradMode mode(createGraph);
  Tensor before = leaf.grad();
  Tensor after;
  if (!before.defined()) {
    // The leaf's own, dense memory: not a view, nor a tensor that somebody else holds.
    bool own = gradient.isContiguous() && gradient.impl->useCount() == 1 && gradient.impl->storage->useCount() == 1;
    after = own || createGraph ? gradient : gradient.detach().clone();
  } else if (createGraph) {
    after = apply(OpKind::Add, {before, gradient});
  } else {
    after = callInPlace(OpKind::Add, {before, gradient});
  }
  Tensor(leaf).setGrad(after);
  if (!leaf.impl->autograd)
    return;
  auto hooks = leaf.impl->autograd->accumulateHooks;
  for (auto &[handle, hook] : hooks)
    hook(leaf);
}

void backward(const std::vector<Tensor> &outputs, const std::vector<Tensor> &gradients, bool retainGraph,
              bool createGraph, const std::vector<Tensor> &only) {
  Request request{outputs, startGradients("backward", outputs, gradients), only.empty() ? nullptr : &only, createGraph,
                  "backward"};
  Backward backward(request);
  backward.run();
  if (!retainGraph && !createGraph)
    backward.release();
  std::vector<std::pair<Ref<TensorImpl>, Tensor>> gradientsOf = std::move(backward.leafGradients);
  for (const Tensor &input : only)
    if (TapeNode *node = tapeNode(*input.impl))
      if (auto found = backward.nodeGradients.find(node); found != backward.nodeGradients.end())
        gradientsOf.emplace_back(input.impl, found->second);
  {
    Backward done = std::move(backward);
  } // lets go of the values, so that accumulation can take them over
  for (auto &[impl, gradient] : gradientsOf) {
    Tensor leaf(impl), cotangent = std::move(gradient);
    if (impl->autograd && !impl->autograd->hooks.empty()) {
      GradMode mode(createGraph);
      cotangent = runHooks(impl->autograd->hooks, cotangent);
    }
    accumulate(leaf, std::move(cotangent), createGraph);
  }
}

std::vector<Tensor> grad(const std::vector<Tensor> &outputs, const std::vector<Tensor> &inputs,
                         const std::vector<Tensor> &gradients, bool retainGraph, bool createGraph, bool allowUnused) {
  for (const Tensor &input : inputs)
    if (!input.requiresGrad())
      fail(Kind::Runtime, "grad",
           "One of the differentiated Tensors does not require grad; got " + toString(input.type()) +
               "; call requires_grad_() before it is used");
  Request request{outputs, startGradients("grad", outputs, gradients), &inputs, createGraph, "grad"};
  Backward backward(request);
  backward.run();
  std::vector<Tensor> result;
  for (const Tensor &input : inputs) {
    Tensor found;
    if (TapeNode *node = tapeNode(*input.impl)) {
      auto at = backward.nodeGradients.find(node);
      if (at != backward.nodeGradients.end())
        found = at->second;
    } else {
      for (auto &[impl, gradient] : backward.leafGradients)
        if (impl == input.impl) {
          GradMode mode(createGraph);
          found = impl->autograd ? runHooks(impl->autograd->hooks, gradient) : gradient;
        }
    }
    if (!found.defined() && !allowUnused)
      fail(Kind::Runtime, "grad",
           "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if "
           "this is "
           "the desired behavior.");
    result.push_back(found);
  }
  if (!retainGraph && !createGraph)
    backward.release();
  return result;
}

} // namespace weft
