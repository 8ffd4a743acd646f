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

void recordFunction(std::shared_ptr<CustomFunction> function, const std::vector<Tensor> &operands,
                    const std::vector<Tensor> &results, const std::vector<bool> &differentiable) {
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
      if (results[i].is(t) && differentiable[i])
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

} // namespace weft
