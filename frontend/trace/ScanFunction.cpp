#include "frontend/trace/ScanFunction.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/OperandCheck.h"
#include "frontend/dispatch/Ops.h"

#include <algorithm>
#include <unordered_map>

namespace weft {

using Kind = UserError::Kind;

static Tensor entryOf(const Tensor &sequence) {
  Dims strides = sequence.strides(), shape = sequence.shape();
  strides.erase(0);
  shape.erase(0);
  Tensor entry = aliasOf(sequence, shape, strides, sequence.offset());
  entry.impl->requiresGrad = sequence.requiresGrad();
  return entry;
}

ScanFunction::ScanFunction(const char *name, std::vector<Tensor> given, std::vector<Tensor> sequences, int64_t length,
                           bool reverse)
    : name(name), operands(std::move(given)), carries(int64_t(operands.size())), length(length), reverse(reverse),
      trace({}, Trace::Purpose::Function) {
  trace.setTransform(name);
  for (const Tensor &carry : operands)
    placeholders.push_back(trace.exampleLike(carry));
  for (const Tensor &sequence : sequences) {
    placeholders.push_back(trace.exampleLike(entryOf(sequence)));
    operands.push_back(sequence);
  }
}

std::vector<Tensor> ScanFunction::finish(const std::vector<Tensor> &nextCarries, const std::vector<Tensor> &outputs) {
  for (const Tensor &placeholder : placeholders)
    if (placeholder.version() > 0)
      fail(Kind::Runtime, name,
           "the step wrote to its argument of type " + toString(placeholder.type()) +
               "; let it return the new value instead");
  for (size_t i = 0; i < nextCarries.size(); ++i)
    if (nextCarries[i].type() != placeholders[i].type())
      fail(Kind::Runtime, name,
           "carry " + std::to_string(i) + " begins as " + toString(placeholders[i].type()) + " and is " +
               toString(nextCarries[i].type()) +
               " after a step; let the step keep its shape and dtype, or begin with the latter");
  std::vector<Tensor> wanted = nextCarries;
  wanted.insert(wanted.end(), outputs.begin(), outputs.end());
  std::vector<std::pair<Tensor, OperandCheck>> checks = trace.valueChecks();
  for (auto &[values, rule] : checks)
    wanted.push_back(values);
  Trace::Function function = trace.function(wanted);
  if (gradEnabled() && std::find(function.grad.begin(), function.grad.end(), false) != function.grad.end())
    fail(Kind::NotImplemented, name,
         "the step uses no_grad() or detach(), which have no effect within; do that outside, or put all of it under "
         "no_grad()");

  Graph body;
  std::unordered_map<const TensorImpl *, ValueId> inputOf;
  for (const Tensor &placeholder : placeholders)
    inputOf[placeholder.impl.get()] = body.addInput(placeholder.type());
  std::vector<ValueId> number;
  for (const Tensor &input : function.inputs) {
    auto [known, isNew] = inputOf.try_emplace(input.impl.get(), ValueId(body.inputs.size()));
    if (isNew) {
      body.addInput(input.type());
      body.inputs.back().weight = true; // the same in every step
      operands.push_back(input);
    }
    number.push_back(known->second);
  }
  const auto given = ValueId(number.size());
  auto renumbered = [&](ValueId v) { return v < given ? number[size_t(v)] : v - given + ValueId(body.inputs.size()); };
  for (Node &node : function.graph.nodes) {
    std::transform(node.operands.begin(), node.operands.end(), node.operands.begin(), renumbered);
    node.location = -1;
    body.nodes.push_back(std::move(node));
  }
  for (ValueId output : function.graph.outputs)
    body.outputs.push_back(renumbered(output));

  Attrs attrs{Attr::graph(std::make_shared<const Graph>(std::move(body))), Attr::integer(carries),
              Attr::integer(int64_t(placeholders.size()) - carries), Attr::list({length}), Attr::boolean(reverse)};
  std::vector<Tensor> results = applyAll(OpKind::Scan, operands.data(), int(operands.size()), attrs);
  size_t count = nextCarries.size() + outputs.size();
  for (size_t k = 0; k < checks.size(); ++k)
    check(results[count + k], checks[k].second);
  results.resize(count);
  return results;
}

} // namespace weft
