// The tape that a backward() goes over, and the values kept on it.
#include "frontend/autograd/BackwardPass.h"
#include "frontend/autograd/CustomFunction.h"
#include "frontend/dispatch/Ops.h"

#include <algorithm>

namespace weft {

using Kind = UserError::Kind;

BackwardRequest::BackwardRequest(const std::vector<Tensor> &outputs, std::vector<Tensor> gradients,
                                 const std::vector<Tensor> *inputs, bool createGraph, const char *name)
    : outputs(outputs), gradients(std::move(gradients)), createGraph(createGraph), name(name), wantsAll(!inputs) {
  if (inputs)
    for (const Tensor &input : *inputs) {
      const TapeNode *node = tapeNode(*input.impl);
      wanted.insert(node ? static_cast<const void *>(node) : input.impl.get());
    }
}

void failGivenUp(const char *name) {
  fail(Kind::Runtime, name,
       "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
       "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
       "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
       "saved tensors after calling backward.");
}

TapePart::TapePart(const BackwardRequest &request) : request(request) {
  static thread_local PointerNumbers seen;
  seen.clear();
  auto add = [&](TapeNode *node) {
    int known = seen.size();
    if (node && seen.add(node) == known)
      nodes.push_back(node);
  };
  for (const Tensor &output : request.outputs) {
    add(tapeNode(*output.impl));
    roots.emplace_back(tapeNode(*output.impl));
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i]->emptied)
      failGivenUp(request.name);
    for (const TapeOperand &operand : nodes[i]->operands)
      add(operand.node.get());
  }
  std::sort(nodes.begin(), nodes.end(), [](TapeNode *a, TapeNode *b) { return a->order < b->order; });
}

Ref<TensorImpl> TapePart::leaf(const TapeValue &value) const {
  if (value.kind == TapeValue::Kind::Output)
    return request.outputs[size_t(value.index)].impl;
  if (value.kind == TapeValue::Kind::Operand)
    return nodes[size_t(value.index)]->operands[size_t(value.operand)].leaf;
  return {};
}

Tensor TapePart::read(const TapeValue &value) const {
  switch (value.kind) {
  case TapeValue::Kind::Operand: {
    TapeNode *node = nodes[size_t(value.index)];
    const TapeOperand &operand = node->operands[size_t(value.operand)];
    if (node->emptied) // by another thread, meanwhile
      failGivenUp(request.name);
    return operand.saved.impl ? unpack(operand.saved, operand.node.get(), *node) : Tensor(operand.leaf);
  }
  case TapeValue::Kind::Result: {
    TapeNode *node = nodes[size_t(value.index)];
    if (node->emptied)
      failGivenUp(request.name);
    return unpack(value.operand ? node->others[size_t(value.operand) - 1].saved : node->result, node, *node,
                  value.operand);
  }
  case TapeValue::Kind::Output:
    return request.outputs[size_t(value.index)];
  case TapeValue::Kind::Cotangent: {
    if (const Tensor &given = request.gradients[size_t(value.index)]; given.defined())
      return given;
    const Tensor &output = request.outputs[size_t(value.index)];
    return full(output.shape(), Tensor::wrapped(1.0), output.dtype(), output.device());
  }
  case TapeValue::Kind::None:
    break;
  }
  throw std::logic_error("backward: the derivative reads a value that the tape does not keep");
}

// `history`: the node that made the tensor, or whose further result `number` it is; null for a leaf or a constant.
Tensor TapePart::unpack(const SavedTensor &saved, TapeNode *history, const TapeNode &reader, int number) const {
  Tensor t = valueOfSaved(saved, reader.function ? nameOf(reader) : info(reader.op).name, request.name);
  if (!request.createGraph || !history || tapeNode(*t.impl) == history || !isFloat(t.dtype()))
    return t;
  return asResultOf(Ref<TapeNode>(history), number, t);
}

void TapePart::release() {
  for (TapeNode *node : nodes) {
    bool any = bool(node->result.impl);
    node->result = {};
    for (TapeNode::OtherResult &other : node->others) {
      any |= bool(other.saved.impl);
      other.saved = {};
    }
    for (TapeOperand &operand : node->operands) {
      any |= bool(operand.saved.impl);
      operand.saved = {};
    }
    any |= node->function && node->function->release();
    node->emptied |= any;
    node->released |= node->emptied;
    for (const TapeOperand &operand : node->operands)
      node->released |= operand.node && operand.node->released;
  }
}

} // namespace weft
