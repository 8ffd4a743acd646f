// What a trace does about the values of operands (frontend/dispatch/OperandCheck.h). A check is left out where the ops
// that computed the values say enough: positions made by arange(), the results of argmax(). What is left is looked at
// while the trace is made, so that errors come at their line, and again by the program each time.
#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/trace/TraceState.h"

#include <algorithm>

namespace weft {

void Trace::noteFailedCheck() {
  if (isFunction())
    return state->outside ? state->outside->noteFailedCheck() : void();
  if (state->purpose == Purpose::Call)
    notReplayable(kCheckFailed); // the function may catch it
}

void Trace::recordCheck(const Tensor &values, const OperandCheck &check, bool isInput) {
  if (isFunction()) {
    if (isInput)
      return state->outside ? state->outside->recordCheck(values, check, isInput) : void();
    ValueId value = valueOf(values);
    if (auto range = state->rangeOf(value); !range || !check.allows(range->least, range->greatest))
      state->valueChecks.emplace_back(state->tensorOf(value, values.type(), values.device()), check);
    return;
  }
  if (isInput && state->purpose == Purpose::Call) {
    state->inputChecks.emplace_back(values, check);
    return;
  }
  if (isInput) {
    Tensor asOfNow = state->tensorOf(valueOf(values), values.type(), values.device());
    state->deferredChecks.push_back({values, asOfNow, check, state->line()});
    return;
  }
  if (auto range = state->rangeOf(valueOf(values)); range && check.allows(range->least, range->greatest))
    return;
  if (state->purpose == Purpose::Call) {
    if (!state->reason.empty())
      flush("it looks at the values of an index or a divisor");
    Tensor now = state->reason.empty() ? state->evaluate(valueOf(values)) : values;
    Pause pause;
    try {
      check.scan(now);
    } catch (const CheckFailure &) {
      noteFailedCheck();
      throw;
    }
    if (!state->reason.empty())
      return;
  }
  ValueId broken = valueOf(check.isBroken(values));
  int32_t location = state->nodes[size_t(broken - State::kFirstNode)].location;
  state->checks.push_back({broken, check, values.type(), state->lineOf(location)});
}

Tensor Trace::State::evaluate(ValueId value) {
  Trace::Pause pause;
  GradMode off(false);
  AlreadyChecked checked;
  Exclusive::Scope mine(*running); // memory that the trace writes to is read as it is
  std::vector<char> needed(nodes.size());
  std::unordered_map<ValueId, Tensor> values;
  auto need = [&](ValueId v) {
    if (v < kFirstNode)
      values[v] = inputs[size_t(v)];
    else
      needed[size_t(v - kFirstNode)] = 1;
  };
  need(value);
  for (size_t n = nodes.size(); n-- > 0;)
    if (needed[n])
      std::for_each(nodes[n].operands.begin(), nodes[n].operands.end(), need);
  for (size_t n = 0; n < nodes.size(); ++n) {
    const Node &node = nodes[n];
    if (!needed[n] || node.result > 0) // further results are there already
      continue;
    std::vector<Tensor> operands, results;
    for (ValueId v : node.operands)
      operands.push_back(values.at(v));
    if (operands.empty())
      results = {applyCreation(node.op, node.attrs, device)};
    else
      results = applyAll(node.op, operands.data(), int(operands.size()), node.attrs);
    for (size_t i = 0; i < results.size(); ++i)
      values[kFirstNode + ValueId(n + i)] = results[i];
  }
  return values.at(value);
}

// Of an integer or bool value.
std::optional<Trace::State::Range> Trace::State::rangeOf(ValueId value, int depth) const {
  constexpr int kDepth = 16;
  constexpr int64_t kWide = int64_t(1) << 31; // sums and products of two numbers below do not overflow
  if (value < kFirstNode || depth > kDepth)
    return {};
  const Node &node = nodes[size_t(value - kFirstNode)];
  if (isFloat(node.type.dtype))
    return {};
  auto of = [&](int operand) { return rangeOf(node.operands[size_t(operand)], depth + 1); };
  auto narrow = [&](std::optional<Range> r) { return r && r->least > -kWide && r->greatest < kWide; };
  const OpTraits &asked = traits(node.op);
  if (asked.positionsAlong && node.result + 1 == info(node.op).resultCount) {
    const Node &first = (&node)[-node.result];
    ValueId x = first.operands[0];
    const Dims &shape = x < kFirstNode ? inputs[size_t(x)].shape() : nodes[size_t(x - kFirstNode)].type.shape;
    return Range{0, std::max<int64_t>(shape[int(asked.positionsAlong(shape.size(), first.attrs))], 1) - 1};
  }
  if (asked.selects && node.op != OpKind::Pad) { // named: its constant is an attribute of its own kind
    std::optional<Range> all;
    for (size_t i = 0; i < node.operands.size(); ++i) {
      if (info(node.op).operandCount >= 0 && !(asked.selects >> i & 1))
        continue;
      std::optional<Range> x = of(int(i));
      if (!x)
        return {};
      all = all ? Range{std::min(all->least, x->least), std::max(all->greatest, x->greatest)} : *x;
    }
    return all;
  }
  switch (node.op) { // named: what an op does to a range is arithmetic of its own
  case OpKind::Full:
    return Range{node.attrs[2].i, node.attrs[2].i};
  case OpKind::Iota:
    return Range{0, std::max<int64_t>(node.type.shape[int(node.attrs[1].i)], 1) - 1};
  case OpKind::Cast: {
    std::optional<Range> x = of(0);
    return node.type.dtype == DType::Int64 || (node.type.dtype == DType::Int32 && narrow(x)) ? x : std::nullopt;
  }
  case OpKind::Remainder: {
    std::optional<Range> y = of(1);
    return y && y->least > 0 ? std::optional(Range{0, y->greatest - 1}) : std::nullopt;
  }
  case OpKind::Add:
  case OpKind::Sub:
  case OpKind::Mul: {
    std::optional<Range> x = of(0), y = of(1);
    if (node.type.dtype != DType::Int64 || !narrow(x) || !narrow(y))
      return {};
    if (node.op == OpKind::Add)
      return Range{x->least + y->least, x->greatest + y->greatest};
    if (node.op == OpKind::Sub)
      return Range{x->least - y->greatest, x->greatest - y->least};
    int64_t corners[] = {x->least * y->least, x->least * y->greatest, x->greatest * y->least,
                         x->greatest * y->greatest};
    return Range{*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
  }
  case OpKind::Maximum:
  case OpKind::Minimum:
  case OpKind::Clamp:
  case OpKind::ClampMin:
  case OpKind::ClampMax: {
    if (node.type.dtype == DType::UInt64)
      return {};
    // What nothing is known of is anywhere.
    auto anywhere = [&](int operand) { return of(operand).value_or(Range{INT64_MIN, INT64_MAX}); };
    auto above = [](Range x, Range y) { return Range{std::max(x.least, y.least), std::max(x.greatest, y.greatest)}; };
    auto below = [](Range x, Range y) { return Range{std::min(x.least, y.least), std::min(x.greatest, y.greatest)}; };
    if (node.op == OpKind::Clamp)
      return below(above(anywhere(0), anywhere(1)), anywhere(2));
    bool isLower = node.op == OpKind::Maximum || node.op == OpKind::ClampMin;
    return isLower ? above(anywhere(0), anywhere(1)) : below(anywhere(0), anywhere(1));
  }
  default:
    return {};
  }
}

} // namespace weft
