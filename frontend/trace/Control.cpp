#include "frontend/trace/Control.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/OperandCheck.h"
#include "frontend/dispatch/Ops.h"

#include <algorithm>
#include <unordered_map>

namespace weft {

using Kind = UserError::Kind;

TracedBody::TracedBody(const char *name, const std::vector<Tensor> &examples)
    : name(name), trace({}, Trace::Purpose::Function) {
  trace.setTransform(name);
  for (const Tensor &example : examples)
    placeholders.push_back(trace.exampleLike(example));
}

void TracedBody::finish(const std::vector<Tensor> &outputs) {
  for (const Tensor &placeholder : placeholders)
    if (placeholder.version() > 0)
      fail(Kind::Runtime, name,
           "the function wrote to its argument of type " + toString(placeholder.type()) +
               "; let it return the new value instead");
  std::vector<Tensor> wanted = outputs;
  for (const auto &[values, rule] : trace.valueChecks()) {
    wanted.push_back(values);
    checks.push_back(rule);
  }
  Trace::Function function = trace.function(wanted);
  if (gradEnabled() && std::find(function.grad.begin(), function.grad.end(), false) != function.grad.end())
    fail(Kind::NotImplemented, name,
         "the function uses no_grad() or detach(), which have no effect within; do that outside, or put all of it "
         "under no_grad()");

  std::unordered_map<const TensorImpl *, ValueId> inputOf;
  for (const Tensor &placeholder : placeholders)
    inputOf[placeholder.impl.get()] = graph.addInput(placeholder.type());
  std::vector<ValueId> number;
  for (const Tensor &input : function.inputs) {
    auto [known, isNew] = inputOf.try_emplace(input.impl.get(), ValueId(graph.inputs.size()));
    if (isNew) {
      graph.addInput(input.type());
      graph.inputs.back().weight = true; // the same in every run
      constants.push_back(input);
    }
    number.push_back(known->second);
  }
  const auto given = ValueId(number.size());
  auto renumbered = [&](ValueId v) { return v < given ? number[size_t(v)] : v - given + ValueId(graph.inputs.size()); };
  for (Node &node : function.graph.nodes) {
    std::transform(node.operands.begin(), node.operands.end(), node.operands.begin(), renumbered);
    node.location = -1;
    graph.nodes.push_back(std::move(node));
  }
  for (ValueId output : function.graph.outputs)
    graph.outputs.push_back(renumbered(output));
}

void TracedBody::refuseChecks() const {
  if (!checks.empty())
    fail(Kind::NotImplemented, name,
         "the function uses an operation whose operands must be looked at, such as an index or an integer divisor; do "
         "that outside, or use weft.scan()");
}

Tensor entryOf(const Tensor &sequence) {
  if (isComplex(sequence.dtype()))
    return fromPairs(entryOf(sequence.pairs()));
  Dims strides = sequence.strides(), shape = sequence.shape();
  strides.erase(0);
  shape.erase(0);
  Tensor entry = aliasOf(sequence, shape, strides, sequence.offset());
  entry.impl->requiresGrad = sequence.requiresGrad();
  return entry;
}

static Attr shared(Graph graph) { return Attr::graph(std::make_shared<const Graph>(std::move(graph))); }

static void append(std::vector<Tensor> &to, const std::vector<Tensor> &more) {
  to.insert(to.end(), more.begin(), more.end());
}

std::vector<Tensor> scan(TracedBody &body, std::vector<Tensor> carries, std::vector<Tensor> sequences, int64_t length,
                         bool reverse) {
  Attrs attrs{shared(body.graph), Attr::integer(int64_t(carries.size())), Attr::integer(int64_t(sequences.size())),
              Attr::list({length}), Attr::boolean(reverse)};
  std::vector<Tensor> operands = std::move(carries);
  append(operands, sequences);
  append(operands, body.constants);
  std::vector<Tensor> results = applyAll(OpKind::Scan, operands.data(), int(operands.size()), attrs);
  const size_t count = results.size() - body.checks.size();
  for (size_t k = 0; k < body.checks.size(); ++k)
    check(results[count + k], body.checks[k]);
  results.resize(count);
  return results;
}

std::vector<Tensor> whileLoop(TracedBody &body, const Tensor &condition, std::vector<Tensor> carries) {
  body.refuseChecks();
  Attrs attrs{shared(body.graph), Attr::integer(int64_t(carries.size()))};
  std::vector<Tensor> operands{condition};
  append(operands, carries);
  append(operands, body.constants);
  std::vector<Tensor> results = applyAll(OpKind::WhileLoop, operands.data(), int(operands.size()), attrs);
  results.pop_back(); // the condition
  return results;
}

// The graph with `count` inputs more, unused, before its input number `at`.
static Graph withUnused(Graph graph, size_t at, const std::vector<Tensor> &unused) {
  auto moved = [&](ValueId v) { return size_t(v) < at ? v : v + ValueId(unused.size()); };
  std::vector<Input> inputs;
  for (const Tensor &tensor : unused)
    inputs.push_back({tensor.type(), {}, true});
  graph.inputs.insert(graph.inputs.begin() + int64_t(at), inputs.begin(), inputs.end());
  for (Node &node : graph.nodes)
    std::transform(node.operands.begin(), node.operands.end(), node.operands.begin(), moved);
  std::transform(graph.outputs.begin(), graph.outputs.end(), graph.outputs.begin(), moved);
  return graph;
}

std::vector<Tensor> cond(const Tensor &condition, TracedBody &body, TracedBody &otherwise, std::vector<Tensor> given) {
  body.refuseChecks();
  otherwise.refuseChecks();
  // Both take the constants of both.
  Graph first = withUnused(body.graph, body.graph.inputs.size(), otherwise.constants);
  Graph second = withUnused(otherwise.graph, given.size(), body.constants);
  std::vector<Tensor> operands{condition};
  append(operands, given);
  append(operands, body.constants);
  append(operands, otherwise.constants);
  return applyAll(OpKind::Cond, operands.data(), int(operands.size()), {shared(first), shared(second)});
}

} // namespace weft
