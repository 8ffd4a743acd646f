#include "frontend/autograd/BackwardPass.h"

#include "frontend/autograd/CustomFunction.h"
#include "frontend/autograd/RepeatedTapes.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/OperandCheck.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/executables/Executables.h"
#include "frontend/trace/Trace.h"

#include <algorithm>
#include <unordered_set>

namespace weft {

void BackwardPass::noteOlderTape() const {
  if (Trace *trace = Trace::active(); trace && !tape.nodes.empty() && trace->isFromBefore(*tape.nodes.front()))
    trace->notReplayable("backward() goes through operations from before the call");
}

void BackwardPass::run() {
  GradMode mode(request.createGraph);
  noteOlderTape();
  findCuts();
  findRelays();
  // Ops that tape or trace record, and those between which Python runs, run one by one.
  RepeatedTapes::Entry entry;
  if (cuts.empty() && relayOf.empty() && !request.createGraph && !Trace::active())
    entry = RepeatedTapes::global().find(tape);
  if (entry.program) {
    leafGradients = entry.program->run(tape);
    return;
  }
  differentiateTape();
  if (derivative.leaves.empty())
    return;
  if (entry.isDue)
    RepeatedTapes::global().compile(entry, derivative, tape);
  runOpByOp();
}

// ---------------------------------------------------------------- The graph

void BackwardPass::findCuts() {
  for (TapeNode *node : tape.nodes)
    if (hasHooks(node->hooks) || (node->hooks && !node->hooks->ofNode.empty()) ||
        (node->resultMeta && node->resultMeta->retainGrad) || request.wants(node)) {
      cutOf[node] = int(cuts.size());
      cuts.push_back({node, -1, -1, -1, false});
    }
}

ValueId BackwardPass::addInput(const TensorType &type, TapeValue place) {
  derivative.places.push_back(place);
  return graph.addInput(type);
}

void BackwardPass::addOperandInputs(int n) {
  if (const auto &function = tape.nodes[size_t(n)]->function) {
    if (function->givesSparse)
      return;
    for (const TapeOperand &operand : tape.nodes[size_t(n)]->operands)
      if (operand.leaf && !inputOf.count(operand.leaf.get()))
        inputOf[operand.leaf.get()] =
            addInput(operand.type, {TapeValue::Kind::Operand, n, int(&operand - &tape.nodes[size_t(n)]->operands[0])});
    return;
  }
  const std::vector<TapeOperand> &operands = tape.nodes[size_t(n)]->operands;
  for (size_t i = 0; i < operands.size(); ++i) {
    const TapeOperand &operand = operands[i];
    if (operand.node)
      continue;
    TapeValue place{TapeValue::Kind::Operand, n, int(i)};
    const void *key = operand.leaf ? operand.leaf.get() : operand.saved.impl.get();
    if (!key) {
      lonely[int64_t(n) << 32 | int64_t(i)] = addInput(operand.type, {});
      continue;
    }
    auto [found, isNew] = inputOf.try_emplace(key, 0);
    if (isNew)
      found->second = addInput(operand.type, place);
    else if (operand.saved.impl) // reading it there tells whether it was written to since
      derivative.places[size_t(found->second)] = place;
  }
}

void BackwardPass::addInputs() {
  // Inputs come first in a graph, so that nodes are numbered after a first walk over the tape.
  ValueId made = 0;
  for (int n = 0; n < int(tape.nodes.size()); ++n) {
    TapeNode *node = tape.nodes[size_t(n)];
    position.add(node);
    if (node->number) {
      ValueId first = madeBy[size_t(position.find(node->operands[0].node.get()))];
      madeBy.push_back(first < 0 ? first - node->number : first + node->number);
    } else if (node->function) {
      madeBy.push_back(-1 - addInput(node->type, {}));
      for (const TapeNode::OtherResult &other : node->others)
        addInput(other.type, {});
    } else {
      madeBy.push_back(made);
      made += 1 + ValueId(node->others.size());
    }
    addOperandInputs(n);
  }
  for (Cut &cut : cuts)
    cut.input = addInput(cut.node->type, {});
  addRelayInputs();
  for (int o = 0; o < int(request.outputs.size()); ++o) {
    const Tensor &output = request.outputs[size_t(o)];
    if (!tapeNode(*output.impl) && !inputOf.count(output.impl.get())) // a leaf that is itself an output
      inputOf[output.impl.get()] = addInput(output.type(), {TapeValue::Kind::Output, o, 0});
  }
}

void BackwardPass::addNodes() {
  for (int n = 0; n < int(tape.nodes.size()); ++n) {
    TapeNode *node = tape.nodes[size_t(n)];
    if (isCustom(*node))
      continue;
    if (node->number == 0) {
      auto place = [&](const SavedTensor &saved, int number) {
        derivative.places.push_back(saved.impl ? TapeValue{TapeValue::Kind::Result, n, number} : TapeValue());
      };
      place(node->result, 0);
      for (size_t i = 0; i < node->others.size(); ++i)
        place(node->others[i].saved, int(i) + 1);
    }
    std::vector<ValueId> operands;
    for (int i = 0; i < int(node->operands.size()); ++i) {
      operands.push_back(operandValue(n, i));
      // An op's result that a reader of it keeps.
      const TapeOperand &operand = node->operands[size_t(i)];
      if (operand.node && operand.saved.impl)
        if (TapeValue &place = derivative.places[size_t(resultOf(operand.node.get()))];
            place.kind == TapeValue::Kind::None)
          place = {TapeValue::Kind::Operand, n, i};
    }
    if (node->number)
      continue;
    std::vector<TensorType> types{node->type};
    for (const TapeNode::OtherResult &other : node->others)
      types.push_back(other.type);
    graph.addNodes(node->op, std::move(operands), node->attrs, types);
  }
  for (const Tensor &output : request.outputs) {
    TapeNode *node = tapeNode(*output.impl);
    graph.outputs.push_back(node ? valueOfNode(node) : inputOf.at(output.impl.get()));
  }
  derivative.recorded = graph.valueCount();
}

void BackwardPass::findWanted() {
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    Ref<TensorImpl> leaf = tape.leaf(derivative.places[i]);
    if (leaf && request.wants(leaf.get())) {
      wanted.push_back(int(i));
      derivative.leaves.push_back(derivative.places[i]);
    }
  }
  for (Cut &cut : cuts) {
    cut.wrt = int(wanted.size());
    wanted.push_back(cut.input);
    derivative.leaves.push_back({});
  }
  for (Relay &relay : relays)
    for (ValueId input : relay.inputs) {
      relay.wrt.push_back(input < 0 ? -1 : int(wanted.size()));
      if (input < 0)
        continue;
      wanted.push_back(input);
      derivative.leaves.push_back({});
    }
}

void BackwardPass::differentiateTape() {
  addInputs();
  findWanted();
  for (int o = 0; o < int(request.outputs.size()); ++o)
    addInput(request.outputs[size_t(o)].type(), {TapeValue::Kind::Cotangent, o, 0});
  for (Cut &cut : cuts)
    cut.cotangent = addInput(cut.node->type, {});
  for (Relay &relay : relays)
    for (size_t i = 0; i < relay.cotangents.size(); ++i)
      if (relay.cotangents[i] >= 0) {
        relay.cotangents[i] = addInput(tape.nodes[size_t(relay.node)]->operands[i].type, {});
        relayed[relay.cotangents[i]] = {int(&relay - relays.data()), int(i)};
      }
  addNodes();
  for (Cut &cut : cuts)
    graph.outputs.push_back(resultOf(cut.node));
  for (const Relay &relay : relays)
    for (size_t i = 0; i < relay.cotangents.size(); ++i)
      if (relay.cotangents[i] >= 0)
        graph.outputs.push_back(sourceValue(relay.node, int(i)));
  if (!wanted.empty())
    derivative.graph = derivativeOf(graph, wanted);
}

std::vector<Tensor> BackwardPass::pushForward(const std::vector<Tensor> &inputs, const std::vector<Tensor> &tangents) {
  GradMode mode(request.createGraph);
  noteOlderTape();
  std::unordered_map<const void *, const Tensor *> tangentOf; // by node or leaf
  for (size_t i = 0; i < inputs.size(); ++i) {
    TapeNode *node = tapeNode(*inputs[i].impl);
    tangentOf[node ? static_cast<const void *>(node) : inputs[i].impl.get()] = &tangents[i];
  }
  for (TapeNode *node : tape.nodes)
    if (request.wants(node)) {
      cutOf[node] = int(cuts.size());
      cuts.push_back({node, -1, -1, -1, false});
    }
  findRelays(true);
  addInputs();
  findWanted();
  ValueId ofFunctions = -1;
  for (size_t k = 0, cut = 0; k < wanted.size(); ++k) {
    Ref<TensorImpl> leaf = tape.leaf(derivative.leaves[k]);
    if (!leaf && cut == cuts.size()) { // a function's result
      ValueId input = addInput(graph.inputs[size_t(wanted[k])].type, {});
      ofFunctions = ofFunctions < 0 ? input : ofFunctions;
      continue;
    }
    const void *key = leaf ? static_cast<const void *>(leaf.get()) : cuts[cut++].node;
    const Tensor &tangent = *tangentOf.at(key);
    values[addInput(tangent.type(), {})] = tangent;
  }
  addNodes();
  for (const Relay &relay : relays)
    for (size_t i = 0; i < relay.cotangents.size(); ++i)
      if (relay.cotangents[i] >= 0)
        graph.outputs.push_back(sourceValue(relay.node, int(i)));
  derivative.graph = pushForwardOf(graph, wanted);
  countUses();
  size_t output = request.outputs.size();
  for (const Relay &relay : relays)
    pushForward(relay, output, ofFunctions);
  evaluate(derivative.graph->outputs);
  std::vector<Tensor> results;
  for (ValueId output : derivative.graph->outputs)
    results.push_back(valueOf(output));
  results.resize(request.outputs.size());
  return results;
}

ValueId BackwardPass::resultOf(const TapeNode *node) const {
  ValueId made = madeBy[size_t(position.find(node))];
  return made < 0 ? -1 - made : ValueId(graph.inputs.size()) + made;
}

// What the readers of a node's result see.
ValueId BackwardPass::valueOfNode(TapeNode *node) const {
  auto cut = cutOf.find(node);
  return cut != cutOf.end() ? cuts[size_t(cut->second)].input : resultOf(node);
}

ValueId BackwardPass::operandValue(int n, int i) const {
  if (isRelayed(n) && !tape.nodes[size_t(n)]->function)
    if (ValueId input = relays[size_t(relayOf[size_t(n)])].inputs[size_t(i)]; input >= 0)
      return input;
  return sourceValue(n, i);
}

ValueId BackwardPass::sourceValue(int n, int i) const {
  const TapeOperand &operand = tape.nodes[size_t(n)]->operands[size_t(i)];
  if (operand.node)
    return valueOfNode(operand.node.get());
  const void *key = operand.leaf ? operand.leaf.get() : operand.saved.impl.get();
  return key ? inputOf.at(key) : lonely.at(int64_t(n) << 32 | int64_t(i));
}

// ---------------------------------------------------------------- Op by op

void BackwardPass::runOpByOp() {
  countUses();
  resolveInOrder();
  evaluate(derivative.graph->outputs);
  for (size_t k = 0; k < derivative.leaves.size(); ++k)
    if (Ref<TensorImpl> leaf = tape.leaf(derivative.leaves[k]); leaf && (relays.empty() || reached.count(leaf.get())))
      leafGradients.emplace_back(leaf, valueOf(derivative.graph->outputs[k]));
}

// By the derivative, or anew, since nobody kept it.
bool BackwardPass::isComputed(ValueId v) const {
  return v >= derivative.recorded ||
         (v >= int(graph.inputs.size()) && derivative.places[size_t(v)].kind == TapeValue::Kind::None);
}

// How often each value that will be computed is read, so that it can be dropped after its last reader.
void BackwardPass::countUses() {
  std::vector<ValueId> stack;
  auto use = [&](ValueId v) {
    if (isComputed(v) && uses[v]++ == 0)
      stack.push_back(v);
  };
  for (ValueId v : derivative.graph->outputs)
    use(v);
  while (!stack.empty()) {
    const Node &node = derivative.graph->nodes[size_t(stack.back()) - graph.inputs.size()];
    stack.pop_back();
    for (ValueId v : node.operands)
      use(v);
  }
}

Tensor BackwardPass::valueOf(ValueId v) {
  auto known = values.find(v);
  if (known != values.end())
    return known->second;
  if (isComputed(v)) {
    evaluate({v});
    return values.at(v);
  }
  auto cutAt = [&](ValueId first) { // their inputs lie side by side
    return v >= first && v < first + ValueId(cuts.size()) ? &cuts[size_t(v - first)] : nullptr;
  };
  if (!cuts.empty()) {
    if (Cut *cut = cuts[0].cotangent < 0 ? nullptr : cutAt(cuts[0].cotangent)) {
      resolve(*cut);
      return values.at(v);
    }
    if (Cut *cut = cutAt(cuts[0].input))
      return values[v] = valueOf(resultOf(cut->node));
  }
  if (auto at = relayed.find(v); at != relayed.end()) {
    resolve(relays[size_t(at->second.first)]);
    return values.at(v);
  }
  if (auto at = standsFor.find(v); at != standsFor.end())
    return values[v] = valueOf(sourceValue(relays[size_t(at->second.first)].node, at->second.second));
  return values[v] = tape.read(derivative.places[size_t(v)]);
}

// Runs the op whose first result the node is.
std::vector<Tensor> BackwardPass::resultsOf(const Node &node) {
  std::vector<Tensor> operands;
  for (ValueId operand : node.operands)
    operands.push_back(valueOf(operand));
  AlreadyChecked recorded;
  if (operands.empty())
    return {applyCreation(node.op, node.attrs, request.outputs[0].device())};
  return applyAll(node.op, operands.data(), int(operands.size()), node.attrs);
}

// Computes `targets`, all at once, so that a value's readers come one soon after the other, and what they need of the
// ops of their kind: the derivative's, or recorded ones, whose results nobody kept. These are computed anew when the
// first of the derivative's ops asks for them.
void BackwardPass::evaluate(const std::vector<ValueId> &targets) {
  std::vector<ValueId> needed, stack;
  std::unordered_set<ValueId> seen;
  bool ofDerivative = std::any_of(targets.begin(), targets.end(), [&](ValueId v) { return v >= derivative.recorded; });
  auto need = [&](ValueId v) {
    if ((v >= derivative.recorded) == ofDerivative && isComputed(v) && !values.count(v) && seen.insert(v).second)
      stack.push_back(v);
  };
  auto nodeOf = [&](ValueId v) -> const Node & { return derivative.graph->nodes[size_t(v) - graph.inputs.size()]; };
  std::for_each(targets.begin(), targets.end(), need);
  while (!stack.empty()) {
    ValueId v = stack.back();
    stack.pop_back();
    needed.push_back(v);
    for (ValueId operand : nodeOf(v).operands)
      need(operand);
  }
  std::sort(needed.begin(), needed.end());
  for (ValueId v : needed) {
    if (values.count(v))
      continue;
    const Node &node = nodeOf(v);
    auto release = [&](ValueId operand) {
      auto use = uses.find(operand);
      if (use != uses.end() && --use->second == 0)
        values.erase(operand);
    };
    std::vector<Tensor> made = resultsOf(node);
    for (size_t i = 0; i < made.size(); ++i)
      if (ValueId result = v + ValueId(i); i == 0 || uses.count(result) || seen.count(result))
        values[result] = std::move(made[i]);
    for (ValueId operand : node.operands)
      release(operand);
    for (size_t i = 1; i < made.size(); ++i)
      if (uses.count(v + ValueId(i))) // read the first
        release(v);
  }
}

void BackwardPass::resolve(Cut &cut) {
  if (cut.resolved)
    return;
  if (cut.node->hooks && cut.node->hooks->group)
    resolveGroup(*cut.node->hooks->group);
  else
    setCotangent(cut, runHooks(cut.node->hooks, rowMajor(valueOf(derivative.graph->outputs[size_t(cut.wrt)]))));
}

void BackwardPass::resolveGroup(const HookGroup &group) {
  std::vector<Cut *> members;
  std::vector<Tensor> cotangents;
  for (const TapeNode *node : group.nodes) {
    auto found = cutOf.find(node);
    members.push_back(found == cutOf.end() ? nullptr : &cuts[size_t(found->second)]);
    cotangents.push_back(
        members.back()
            ? runHooks(node->hooks, rowMajor(valueOf(derivative.graph->outputs[size_t(members.back()->wrt)])))
            : Tensor());
  }
  std::vector<Tensor> changed = group.hook(cotangents);
  for (size_t i = 0; i < members.size(); ++i) {
    bool isChanged = i < changed.size() && changed[i].defined();
    if (members[i])
      setCotangent(*members[i], isChanged ? checkedHookResult(changed[i], cotangents[i]) : cotangents[i]);
  }
}

void BackwardPass::setCotangent(Cut &cut, const Tensor &cotangent) {
  cut.resolved = true;
  values[cut.cotangent] = cotangent;
  nodeGradients[cut.node] = cotangent;
  if (cut.node->resultMeta && cut.node->resultMeta->retainGrad)
    cut.node->resultMeta->grad = cotangent;
}

} // namespace weft
