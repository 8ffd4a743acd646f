#include "frontend/autograd/CustomFunction.h"

#include "frontend/dispatch/Ops.h"
#include "frontend/trace/Trace.h"

#include <algorithm>

namespace weft {

void CustomFunction::save(std::vector<Tensor> tensors) { toSave = std::move(tensors); }

bool CustomFunction::release() {
  bool any = std::any_of(kept.begin(), kept.end(), [](const Saved &saved) { return bool(saved.value.impl); });
  kept.clear();
  released |= any;
  return any;
}

static std::vector<Tensor> fromPairsWhere(const std::vector<bool> &isComplex, std::vector<Tensor> tensors) {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].defined() && isComplex[i])
      tensors[i] = fromPairs(tensors[i]);
  return tensors;
}

std::vector<Tensor> CustomFunction::backwardOnPairs(const std::vector<Tensor> &cotangents) {
  return pairsOf(backward(fromPairsWhere(complexResults, cotangents)));
}

std::vector<Tensor> CustomFunction::pushForwardOnPairs(const std::vector<Tensor> &tangents) {
  return pairsOf(pushForward(fromPairsWhere(complexOperands, tangents)));
}

std::vector<Tensor> CustomFunction::saved() const {
  std::string reader = name();
  if (released)
    failGivenUp(reader.c_str());
  std::vector<Tensor> values;
  for (const Saved &saved : kept) {
    Tensor value = saved.value.impl ? valueOfSaved(saved.value, reader, reader.c_str()) : Tensor();
    if (value.defined() && saved.result >= 0 && node)
      value = asResultOf(Ref<TapeNode>(node), saved.result, value);
    values.push_back(value);
  }
  return values;
}

void recordFunction(std::shared_ptr<CustomFunction> function, const std::vector<Tensor> &givenOperands,
                    const std::vector<Tensor> &givenResults, const std::vector<bool> &differentiable) {
  const std::vector<Tensor> operands = pairsOf(givenOperands), results = pairsOf(givenResults);
  for (const Tensor &t : givenOperands)
    function->complexOperands.push_back(isComplex(t.dtype()));
  for (const Tensor &t : givenResults)
    function->complexResults.push_back(isComplex(t.dtype()));
  for (const Tensor &operand : operands)
    if (operand.impl->base && operand.requiresGrad())
      refreshHistory(operand);
  Ref<TapeNode> node(new TapeNode);
  node->type = results[0].type();
  node->device = results[0].device();
  node->order = nextTapeOrder();
  notePlace(*node);
  node->operands.resize(operands.size());
  for (size_t i = 0; i < operands.size(); ++i) {
    node->operands[i].type = operands[i].type();
    linkOperand(node->operands[i], operands[i]);
  }
  for (size_t i = 1; i < results.size(); ++i)
    node->others.push_back({results[i].type(), {}});
  for (const Tensor &t : function->toSave) {
    CustomFunction::Saved saved;
    for (size_t i = 0; t.defined() && i < results.size(); ++i)
      if (givenResults[i].is(t) && differentiable[i])
        saved.result = int(i);
    if (t.defined())
      saved.value = savedTensor(saved.result >= 0 ? t.alias() : t);
    function->kept.push_back(saved);
  }
  function->toSave.clear();
  function->node = node.get();
  node->function = std::move(function);

  for (size_t i = results.size(); i-- > 0;) {
    const Tensor &result = results[i];
    if (!differentiable[i] || !isFloat(result.dtype()))
      continue;
    Ref<TapeNode> made = i ? nodeOfResult(node, int(i)) : node;
    if (result.impl->currentBase()) { // a view that was written to: its base learns of it
      copy_(result, asResultOf(node, int(i), result).clone());
      continue;
    }
    if (Trace *trace = Trace::active(); trace && std::any_of(operands.begin(), operands.end(),
                                                             [&](const Tensor &operand) { return operand.is(result); }))
      trace->noteHistory(result);
    result.impl->requiresGrad = true;
    autogradMeta(*result.impl).setNode(std::move(made));
  }
}

namespace {

struct Move : CustomFunction {
  Move(Device from, Device to) : from(from), to(to) {}
  std::string name() const override { return "to"; }
  std::vector<Tensor> backward(const std::vector<Tensor> &cotangents) override { return moved(cotangents, from); }
  std::vector<Tensor> pushForward(const std::vector<Tensor> &tangents) override { return moved(tangents, to); }

private:
  static std::vector<Tensor> moved(const std::vector<Tensor> &given, Device device) {
    return {given[0].defined() ? given[0].to(device) : Tensor()};
  }
  Device from, to;
};

} // namespace

void recordMove(const Tensor &from, const Tensor &moved) {
  recordFunction(std::make_shared<Move>(from.device(), moved.device()), {from}, {moved}, {true});
}

} // namespace weft
