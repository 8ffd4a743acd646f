// The part of a backward pass between which and the ops the host computes: custom functions, and the hooks of nodes.
#include "frontend/autograd/BackwardPass.h"
#include "frontend/autograd/CustomFunction.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/trace/Trace.h"

#include <algorithm>

namespace weft {

// Those on the way to what was asked for. A function that is not is a constant.
void BackwardPass::findRelays(bool functionsAlone) {
  const AnomalyMode &anomaly = anomalyMode();
  bool watchesAll = !functionsAlone && anomaly.enabled && anomaly.checkNan;
  auto isWatched = [&](const TapeNode &node) {
    return node.number == 0 &&
           (node.function || watchesAll || (!functionsAlone && node.hooks && !node.hooks->ofNode.empty()));
  };
  if (std::none_of(tape.nodes.begin(), tape.nodes.end(), [&](TapeNode *node) { return isWatched(*node); }))
    return;
  relayOf.assign(tape.nodes.size(), -1);
  std::unordered_set<const TapeNode *> leads;
  auto isOnTheWay = [&](const TapeOperand &operand) {
    return operand.leaf ? request.wants(operand.leaf.get())
                        : operand.node && (leads.count(operand.node.get()) || request.wants(operand.node.get()));
  };
  for (int n = 0; n < int(tape.nodes.size()); ++n) {
    TapeNode *node = tape.nodes[size_t(n)];
    if (std::none_of(node->operands.begin(), node->operands.end(), isOnTheWay))
      continue;
    leads.insert(node);
    if (!isWatched(*node))
      continue;
    relayOf[size_t(n)] = int(relays.size());
    Relay relay;
    relay.node = n;
    const bool givesSparse = node->function && node->function->givesSparse;
    for (const TapeOperand &operand : node->operands)
      relay.cotangents.push_back(isOnTheWay(operand) && !givesSparse ? 0 : -1); // its number follows
    relays.push_back(std::move(relay));
  }
}

void BackwardPass::addRelayInputs() {
  for (Relay &relay : relays) {
    TapeNode *node = tape.nodes[size_t(relay.node)];
    if (node->function) {
      for (size_t i = 0; i <= node->others.size(); ++i)
        relay.inputs.push_back(resultOf(node) + ValueId(i));
      relay.given.resize(relay.inputs.size());
      continue;
    }
    for (size_t i = 0; i < node->operands.size(); ++i) {
      relay.inputs.push_back(relay.cotangents[i] < 0 ? -1 : addInput(node->operands[i].type, {}));
      if (relay.inputs[i] >= 0)
        standsFor[relay.inputs[i]] = {int(&relay - relays.data()), int(i)};
    }
  }
}

// From the last node to the first, since a cotangent depends on later ones alone; no function is asked for what
// another one is still to give.
void BackwardPass::resolveInOrder() {
  if (relays.empty()) {
    for (size_t c = cuts.size(); c-- > 0;)
      resolve(cuts[c]);
    return;
  }
  for (const Tensor &output : request.outputs)
    reached.insert(tapeNode(*output.impl) ? static_cast<const void *>(tapeNode(*output.impl)) : output.impl.get());
  for (size_t n = tape.nodes.size(); n-- > 0;) {
    TapeNode *node = tape.nodes[n];
    if (auto cut = cutOf.find(node); cut != cutOf.end())
      resolve(cuts[size_t(cut->second)]);
    if (isRelayed(int(n)))
      resolve(relays[size_t(relayOf[n])]); // says what it reaches
    else if (reached.count(node))
      for (const TapeOperand &operand : node->operands)
        noteReached(operand, *node);
  }
  for (Cut &cut : cuts)
    if (!reached.count(cut.node))
      nodeGradients.erase(cut.node);
}

void BackwardPass::noteReached(const TapeOperand &operand, const TapeNode &reader) {
  if (operand.leaf)
    reached.insert(operand.leaf.get());
  if (!operand.node)
    return;
  if (!reader.number || !operand.node->function)
    reached.insert(operand.node.get());
  else if (int n = position.find(operand.node.get()); isRelayed(n)) // it is one of the function's results
    relays[size_t(relayOf[size_t(n)])].given[size_t(reader.number)] = true;
}

void BackwardPass::resolve(Relay &relay) {
  if (relay.resolved)
    return;
  relay.resolved = true;
  TapeNode *node = tape.nodes[size_t(relay.node)];
  std::vector<Tensor> found = cotangentsOfOperands(relay);
  if (node->function && node->function->givesSparse) {
    for (size_t i = 0; i < found.size(); ++i)
      if (const Ref<TensorImpl> &leaf = node->operands[i].leaf; leaf && found[i].defined() && request.wants(leaf.get()))
        leafGradients.emplace_back(leaf, found[i]);
    return;
  }
  checkForNan(*node, found);
  if (node->hooks) {
    auto hooks = node->hooks->ofNode; // one may remove itself
    Tensor cotangent = hooks.empty() ? Tensor() : nodeGradients.at(node);
    for (auto &[number, hook] : hooks) {
      std::vector<Tensor> changed = hook(found, cotangent);
      for (size_t i = 0; i < changed.size() && i < found.size(); ++i)
        if (changed[i].defined() && found[i].defined())
          found[i] = checkedHookResult(changed[i], found[i]);
    }
  }
  for (size_t i = 0; i < relay.cotangents.size(); ++i) {
    if (relay.cotangents[i] < 0)
      continue;
    const TapeOperand &operand = node->operands[i];
    if (found[i].defined())
      noteReached(operand, *node);
    else
      found[i] = full(operand.type.shape, Tensor::wrapped(0.0), operand.type.dtype, node->device);
    values[relay.cotangents[i]] = found[i];
  }
}

std::vector<Tensor> BackwardPass::cotangentsOfOperands(const Relay &relay) {
  TapeNode *node = tape.nodes[size_t(relay.node)];
  auto valueAt = [&](int wrt) { return wrt < 0 ? Tensor() : valueOf(derivative.graph->outputs[size_t(wrt)]); };
  std::vector<Tensor> given;
  for (size_t i = 0; i < relay.wrt.size(); ++i) {
    bool isGiven = node->function ? (i ? relay.given[i] : reached.count(node)) : reached.count(node);
    given.push_back(isGiven ? valueAt(relay.wrt[i]) : Tensor());
  }
  return node->function ? node->function->backwardOnPairs(given) : given;
}

// Reads the tangents of its operands at the outputs from `output` on, and gives those of its results from `tangent` on.
void BackwardPass::pushForward(const Relay &relay, size_t &output, ValueId &tangent) {
  TapeNode *node = tape.nodes[size_t(relay.node)];
  std::vector<Tensor> given;
  for (ValueId cotangent : relay.cotangents)
    given.push_back(cotangent < 0 ? Tensor() : valueOf(derivative.graph->outputs[output++]));
  std::vector<Tensor> pushed = node->function->pushForwardOnPairs(given);
  for (size_t i = 0; i < relay.inputs.size(); ++i) {
    const TensorType &type = i ? node->others[i - 1].type : node->type;
    values[tangent++] = i < pushed.size() && pushed[i].defined()
                            ? pushed[i]
                            : full(type.shape, Tensor::wrapped(0.0), type.dtype, node->device);
  }
}

void BackwardPass::checkForNan(const TapeNode &node, const std::vector<Tensor> &gradients) const {
  const AnomalyMode &anomaly = anomalyMode();
  if (!anomaly.enabled || !anomaly.checkNan)
    return;
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].defined())
      continue;
    Tensor isNan = apply(OpKind::Isnan, {gradients[i].detach()});
    if (!apply(OpKind::Any, {isNan}, {Attr::list({}), Attr::boolean(false)}).item<bool>())
      continue;
    std::string place = node.place && !node.place->empty() ? "; it was recorded at " + *node.place : "";
    fail(UserError::Kind::Runtime, request.name,
         "Function '" + nameOf(node) + "' returned nan values in its " + std::to_string(i) + "th output" + place);
  }
}

} // namespace weft
