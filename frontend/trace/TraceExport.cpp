// A traced function as a program that stands alone. Memory from outside is an input as a whole, since a later write may
// make it state; what is only read is an input as it was read. What was written or replaced becomes outputs that go
// back into the inputs' memory. Nothing runs, and in the end everything outside is as it was.
#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/dispatch/Parts.h"
#include "frontend/trace/TraceState.h"

#include <algorithm>

namespace weft {

[[noreturn]] static void cannot(const std::string &line, const std::string &why) {
  throw LateError(
      UserError::Kind::NotImplemented,
      "[export] " + (line.empty() ? "" : line + ": ") + why +
          ", which an exported program cannot do, since it has no Python; express it by operations on tensors "
          "(weft.where() for a branch), or do it outside the exported function");
}

void Trace::refuse(const std::string &why) {
  state->reason = state->line() + ": " + why; // the function may catch what is thrown
  cannot(state->line(), why);
}

// ---------------------------------------------------------------- Inputs

Tensor Trace::placeholder(const Tensor &example) {
  auto input = ValueId(state->inputs.size());
  Tensor argument = state->tensorOf(input, example.type(), example.device());
  argument.impl->requiresGrad = example.requiresGrad();
  state->inputs.push_back(argument);
  state->arguments.push_back(argument);
  return argument;
}

static Tensor flattened(const Tensor &t) { return aliasOf(t, {t.impl->storage->bytes / itemSize(t.dtype())}, {1}, 0); }

static bool isWhole(const Tensor &t) {
  return t.isContiguous() && t.offset() == 0 && t.numel() * itemSize(t.dtype()) == t.impl->storage->bytes;
}

void Trace::prefer(const std::vector<Tensor> &known) {
  for (const Tensor &t : known)
    if (isWhole(t))
      state->wholes.emplace(t.impl->storage.get(), t);
}

// The input that stands for the tensor's memory.
Tensor Trace::State::wholeOf(const Tensor &t) {
  return wholes.emplace(t.impl->storage.get(), isWhole(t) ? t : flattened(t)).first->second;
}

ValueId Trace::captured(const Tensor &t) {
  Tensor whole = state->wholeOf(t);
  ValueId input = state->addInput(whole);
  ValueId value = partOfWhole(input, whole.type(), t);
  if (value != input)
    state->views.push_back({value, t});
  return value;
}

ValueId Trace::partOfWhole(ValueId whole, const TensorType &wholeType, const Tensor &t) {
  ValueId value = state->viewOf(whole, wholeType, t);
  if (value >= 0)
    return value;
  GradMode mode(isFunction() && gradEnabled());
  return valueOf(partOf(flattened(t), t));
}

// A part of memory that nothing writes to is an input of its own.
void Trace::State::readViewsDirectly(std::vector<ValueId> &wanted) {
  std::unordered_map<ValueId, ValueId> direct;
  for (const View &view : views)
    if (!written.count(view.tensor.impl->storage.get()))
      direct[view.value] = addInput(view.tensor);
  auto redirect = [&](ValueId &value) {
    if (auto found = direct.find(value); found != direct.end())
      value = found->second;
  };
  for (Node &node : nodes)
    std::for_each(node.operands.begin(), node.operands.end(), redirect);
  for (SegmentPlan::Check &check : checks)
    redirect(check.broken);
  std::for_each(wanted.begin(), wanted.end(), redirect);
}

// ---------------------------------------------------------------- What the function changed

bool Trace::State::isMadeInside(const Storage &storage) const {
  auto isOn = [&](const Tensor &t) { return t.impl->storage.get() == &storage; };
  if (storage.bornInTrace == number)
    return true;
  return storage.lazyTrace == trace && std::none_of(arguments.begin(), arguments.end(), isOn) &&
         std::none_of(mutated.begin(), mutated.end(), [&](const Mutation &m) { return isOn(m.target); });
}

// The gradients that a call adds to are replaced; those that it only leaves behind are nothing to the next call.
std::vector<Replacement> Trace::State::replacedGradients() const {
  std::vector<Replacement> replaced;
  for (const GradNote &note : grads) {
    Tensor after = note.leaf.impl->autograd ? note.leaf.impl->autograd->grad : Tensor();
    bool isSame = after.defined() == note.before.defined() && (!after.defined() || after.is(note.before));
    if (!note.written || !note.read || isSame || isMadeInside(*note.leaf.impl->storage))
      continue;
    if (!note.before.defined() || !after.defined())
      cannot(note.location,
             "it adds to the gradient (.grad) of a tensor that has " +
                 std::string(after.defined() ? "none before" : "none afterwards") +
                 " (clear it by zero_grad() in the function, or return what weft.autograd.grad() gives)");
    replaced.push_back({".grad", note.before, after, note.location});
  }
  return replaced;
}

std::vector<Trace::State::WriteBack> Trace::State::writeBacks(const std::vector<Replacement> &replacements) {
  std::vector<WriteBack> back;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].version() > 0)
      back.emplace_back(ValueId(i), trace->valueOf(arguments[i]));
  for (const Mutation &mutation : mutated) {
    const Storage &storage = *mutation.target.impl->storage;
    if (storage.bornInTrace == number && !storage.mayChangeUnseen())
      continue; // a constant at each call
    if (storage.bornInTrace == number)
      cannot(mutation.location, "it writes to an array of NumPy that it turned into a tensor");
    Tensor whole = wholeOf(mutation.target);
    back.emplace_back(addInput(whole), trace->valueOf(whole));
    written.insert(&storage);
  }
  std::vector<Replacement> all = replacedGradients();
  all.insert(all.begin(), replacements.begin(), replacements.end());
  for (const Replacement &replacement : all) {
    const Storage *before = replacement.before.impl->storage.get();
    if (written.count(before) || written.count(replacement.after.impl->storage.get()))
      cannot(replacement.line, "it replaces " + replacement.path + " and writes into its memory");
    trace->captured(replacement.before);
    back.emplace_back(addInput(replacement.before), trace->valueOf(replacement.after));
    replaced.insert(before);
  }
  if (randomCount) {
    Tensor drawn = applyCreation(OpKind::Iota, {Attr::list({2}), Attr::integer(0), Attr::dtype(DType::Int64)},
                                 generatorState.device()); // 0, 1: only the position moves
    Tensor after = call(OpKind::Add, {generatorState, call(OpKind::Mul, {drawn, Tensor::wrapped(randomCount)})});
    back.emplace_back(trace->valueOf(generatorState), trace->valueOf(after));
  }
  return back;
}

// What the export has looked at once has other values at the next run, if it is state.
void Trace::State::addDeferredChecks() {
  for (const DeferredCheck &deferred : std::exchange(deferredChecks, {})) {
    const Storage *storage = deferred.outside.impl->storage.get();
    if (!written.count(storage) && !replaced.count(storage))
      continue;
    ValueId broken = trace->valueOf(deferred.check.isBroken(deferred.values));
    checks.push_back({broken, deferred.check, deferred.values.type(), deferred.location});
  }
}

ExportedProgram Trace::exported(const std::vector<Tensor> &outputs, const std::vector<Replacement> &replacements) {
  if (!state->reason.empty())
    cannot("", state->reason);
  GradMode off(false);
  std::vector<ValueId> wanted, ids;
  for (const Tensor &t : outputs)
    wanted.push_back(valueOf(t));
  std::vector<State::WriteBack> back = state->writeBacks(replacements);
  state->addDeferredChecks();
  for (auto &[input, after] : back)
    wanted.push_back(after);
  for (auto &[input, after] : back)
    wanted.push_back(input);
  for (size_t i = 0; i < state->arguments.size(); ++i)
    wanted.push_back(ValueId(i));
  state->readViewsDirectly(wanted);

  ExportedProgram program;
  Graph &graph = program.graph;
  std::vector<Tensor> inputs;
  graph = state->takeGraph(wanted, inputs, ids);
  graph.locations = state->lines();
  for (size_t i = 0; i < inputs.size(); ++i) {
    graph.inputs[i].strides = {}; // arrays of C and files of weights are row-major, however the examples lie
    InputRole role = i < state->arguments.size()           ? InputRole::Argument
                     : inputs[i].is(state->generatorState) ? InputRole::Generator
                                                           : InputRole::Weight;
    program.inputs.push_back({role, inputs[i]});
  }
  size_t results = outputs.size() + back.size();
  graph.outputs.assign(ids.begin(), ids.begin() + long(results));
  if (!back.empty())
    graph.donations.assign(outputs.size(), -1);
  for (size_t i = results; i < results + back.size(); ++i) {
    graph.donations.push_back(ids[i]);
    if (InputRole &role = program.inputs[size_t(ids[i])].role; role == InputRole::Weight)
      role = InputRole::State;
  }
  return program;
}

// ---------------------------------------------------------------- The end

void Trace::noteHistory(const Tensor &target) {
  TensorImpl &impl = *target.impl;
  if (isFunction()) {
    if (impl.storage->lazyTrace != this && state->outside)
      state->outside->noteHistory(target);
    return;
  }
  if (state->purpose == Purpose::Call && state->isMadeInside(*impl.storage))
    return; // it may die meanwhile, and is nothing to the caller where the call fails
  auto isNoted = [&](const State::History &h) { return h.impl.get() == &impl; };
  if (std::none_of(state->histories.begin(), state->histories.end(), isNoted))
    state->histories.push_back({target.impl, impl.requiresGrad, Ref<TapeNode>(tapeNode(impl)), impl.baseOrder});
}

void Trace::State::putHistoriesBack() {
  for (const History &before : histories) {
    before.impl->requiresGrad = before.requiresGrad;
    before.impl->baseOrder = before.baseOrder;
    autogradMeta(*before.impl).setNode(before.node);
  }
  histories.clear();
}

void Trace::State::putBack() {
  undo(mutated);
  grads.clear();
  gradOf.clear();
}

std::string Trace::survivor() {
  state->putBack();
  state->deferredChecks.clear();
  state->arguments.clear();
  state->inputs.clear();
  for (const Storage *storage : state->lazies)
    if (storage && state->isMadeInside(*storage)) {
      ValueId value = storage->lazyValue;
      int32_t location = value < State::kFirstNode ? -1 : state->nodes[size_t(value - State::kFirstNode)].location;
      return location < 0 ? "an argument" : "a tensor made at " + state->lineOf(location);
    }
  return "";
}

} // namespace weft
