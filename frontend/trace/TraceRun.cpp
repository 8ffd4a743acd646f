// The end of a trace segment: its graph, and what is run.
#include "frontend/autograd/Autograd.h"
#include "frontend/calls/SegmentPrograms.h"
#include "frontend/dispatch/Autocast.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Generator.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/tensor/Snapshot.h"
#include "frontend/trace/ProgramCheck.h"
#include "frontend/trace/TraceDescription.h"
#include "runtime/cuda/Streams.h"

#include <algorithm>
#include <atomic>

namespace weft {

Graph Trace::State::takeGraph(const std::vector<ValueId> &wanted, std::vector<Tensor> &used,
                              std::vector<ValueId> &ids) {
  std::vector<char> inputNeeded(inputs.size()), nodeNeeded(nodes.size());
  auto need = [&](ValueId v) { (v < kFirstNode ? inputNeeded[size_t(v)] : nodeNeeded[size_t(v - kFirstNode)]) = 1; };
  for (ValueId v : wanted)
    need(v);
  for (const SegmentPlan::Check &check : checks)
    need(check.broken);
  for (size_t n = nodes.size(); n-- > 0;)
    if (nodeNeeded[n])
      for (ValueId v : nodes[n].operands)
        need(v);
  Graph graph;
  std::vector<ValueId> inputId(inputs.size(), -1), nodeId(nodes.size(), -1);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputNeeded[i]) {
      const Tensor &t = inputs[i];
      inputId[i] = graph.addInput(t.type(), t.isContiguous() ? Dims() : t.strides());
      used.push_back(t);
    }
  auto id = [&](ValueId v) { return v < kFirstNode ? inputId[size_t(v)] : nodeId[size_t(v - kFirstNode)]; };
  for (size_t n = 0; n < nodes.size(); ++n)
    if (nodeNeeded[n] && nodes[n].result == 0) { // which its other results need
      std::vector<ValueId> operands = std::move(nodes[n].operands);
      for (ValueId &v : operands)
        v = id(v);
      std::vector<TensorType> types;
      for (int i = 0; i < resultCount(nodes[n].op, nodes[n].attrs); ++i)
        types.push_back(nodes[n + size_t(i)].type);
      ValueId first =
          graph.addNodes(nodes[n].op, std::move(operands), std::move(nodes[n].attrs), types, nodes[n].location);
      for (size_t i = 0; i < types.size(); ++i)
        nodeId[n + i] = first + ValueId(i);
    }
  for (const SegmentPlan::Check &check : checks)
    graph.checks.push_back(
        {id(check.broken), purpose == Purpose::Export ? check.message() : check.check.message(check.values)});
  for (ValueId v : wanted)
    ids.push_back(id(v));
  return graph;
}

// Memory that holds other values at each call, or other memory: arguments', what is written to, gradients that are
// read.
std::unordered_set<const Storage *> Trace::State::changingStorages() const {
  std::unordered_set<const Storage *> changing;
  auto add = [&](const Tensor &t) {
    if (t.defined())
      changing.insert(t.impl->storage.get());
  };
  for (const Tensor &argument : arguments)
    add(argument);
  for (const Mutation &mutation : mutated)
    add(mutation.target);
  for (const GradNote &note : grads)
    add(note.before);
  return changing;
}

// Which storages get which values, and whether the executable may write where a mutated tensor lies.
Trace::State::Segment Trace::State::planSegment() {
  Segment segment;
  std::vector<ValueId> wanted, ids;
  for (Storage *storage : lazies)
    if (storage) {
      segment.storages.emplace_back(storage);
      wanted.push_back(storage->lazyValue);
    }
  segment.graph = takeGraph(wanted, segment.inputs, ids);
  Graph &graph = segment.graph;
  std::unordered_set<const Storage *> changing = changingStorages();
  std::unordered_map<const Storage *, std::vector<int>> inputsOn;
  for (size_t i = 0; i < segment.inputs.size(); ++i) {
    const Storage &storage = *segment.inputs[i].impl->storage;
    graph.inputs[i].weight =
        !storage.device.isCuda() && WeightResults::canBeWeight(storage) && !changing.count(&storage);
    inputsOn[&storage].push_back(int(i));
  }
  SegmentPlan &plan = segment.plan;
  plan.device = device;
  plan.checks = checks;
  segment.sources = segment.inputs;
  for (size_t i = 0; i < segment.inputs.size(); ++i)
    plan.inputs.push_back(int(i));

  std::unordered_map<const Storage *, const Mutation *> mutationOf; // the first
  for (const Mutation &mutation : mutated)
    mutationOf.emplace(mutation.target.impl->storage.get(), &mutation);
  std::unordered_map<ValueId, int> outputOf; // the slot that has the value
  for (size_t i = 0; i < segment.storages.size(); ++i) {
    Storage *storage = segment.storages[i].get();
    ResultSlot slot;
    slot.type = storage->lazyType;
    int donated = -1;
    if (auto mutation = mutationOf.find(storage); mutation != mutationOf.end()) {
      const std::vector<int> &readers = inputsOn[storage];
      for (int k : readers)
        if (const Tensor &t = segment.inputs[size_t(k)]; t.isContiguous() && t.type() == slot.type && t.offset() == 0)
          donated = k;
      slot.viaCopy = readers.size() > (donated >= 0 ? 1 : 0);
      if (slot.viaCopy)
        donated = -1;
      slot.into = int(segment.sources.size());
      slot.writes = storage->version - mutation->second->version;
      segment.sources.push_back(mutation->second->target);
    }
    auto known = outputOf.find(ids[i]);
    if (ids[i] < int(graph.inputs.size())) {
      slot.from = ResultSlot::From::CopyOfSource;
      slot.index = ids[i];
    } else if (known != outputOf.end()) {
      slot.from = ResultSlot::From::CopyOfOutput;
      slot.index = known->second;
    } else {
      outputOf[ids[i]] = int(plan.slots.size());
      slot.index = int(graph.outputs.size());
      graph.outputs.push_back(ids[i]);
      graph.donations.push_back(donated);
      plan.outputSlots.push_back(int(plan.slots.size()));
    }
    plan.slots.push_back(slot);
  }
  bool anyDonated = false;
  for (int32_t d : graph.donations)
    anyDonated |= d >= 0;
  if (!anyDonated)
    graph.donations.clear();
  return segment;
}

void Trace::State::runSegment(CompiledCall *call, const std::vector<Tensor> &outputs) {
  Exclusive::Scope mine(*running);
  Segment segment = planSegment();
  if (call)
    Description(*this, segment, *call).describe(outputs);
  try {
    runPlanned(segment, call);
  } catch (...) {
    failSegment();
    throw;
  }
  endSegment();
}

// Of the arguments, and of their views where they have an axis of the size.
VaryingSizes Trace::State::varyingSizes(const Segment &segment) const {
  VaryingSizes result{std::vector<std::vector<int>>(segment.inputs.size())};
  for (size_t i = 0; i < segment.inputs.size(); ++i)
    for (const auto &[argument, axis] : varying) {
      const Tensor &input = segment.inputs[i];
      if (input.impl == argument.impl)
        result.axes[i].push_back(axis);
      else if (input.sharesStorage(argument))
        for (int k = 0; k < input.dim(); ++k)
          if (input.shape()[k] == argument.shape()[axis])
            result.axes[i].push_back(k);
    }
  return result;
}

void Trace::State::runPlanned(Segment &segment, CompiledCall *call) {
  // While it compiles and runs, other threads may change the tensors.
  Snapshot sources(segment.sources.data(), int(segment.sources.size()));
  std::shared_ptr<const GeneralGraph> general;
  if (!segment.plan.outputSlots.empty() || !checks.empty()) {
    gaveUp = true;
    general = chooseProgram(segment.graph, segment.plan, !specialised, varyingSizes(segment), [&] { return lines(); });
    gaveUp = false;
    if (call && !segment.plan.executable->keptInputs().empty())
      segment.plan.kept = std::make_shared<WeightResults>();
    // A donation that the compiler could not take, since the program still reads the memory when it writes the output.
    for (size_t i = 0; i < segment.graph.donations.size(); ++i)
      if (int32_t donated = segment.graph.donations[i]; donated >= 0)
        segment.plan.slots[segment.plan.outputSlots[i]].viaCopy |=
            segment.plan.executable->outputAlias(int(i)) != donated;
    for (size_t i = 0; i < segment.plan.outputSlots.size(); ++i)
      if (const ResultSlot &slot = segment.plan.slots[size_t(segment.plan.outputSlots[i])];
          slot.into >= 0 && !slot.viaCopy)
        segment.plan.overwritten.push_back(int(i));
  }
  if (call)
    call->plan = segment.plan;
  // Other threads wait for the values until the segment has ended; so they get their memory when it is filled. Those
  // that are written to are written in place.
  std::vector<Ref<Storage>> made(segment.storages.size());
  for (size_t i = 0; i < made.size(); ++i)
    if (segment.plan.slots[i].into < 0)
      made[i] = Storage::lazyStorage(device, segment.storages[i]->bytes);
  std::optional<ProgramCheck> check;
  if (checksPrograms && segment.plan.executable)
    check.emplace(segment.inputs, segment.written());
  segment.plan.run(sources.data(), made.data());
  if (check)
    check->compare(segment.graph, segment.plan, general.get(), segment.outputs(made));
  histories.clear();
  for (size_t i = 0; i < made.size(); ++i)
    if (made[i])
      segment.storages[i]->takeMemory(*made[i]);
}

// The tensors whose memory the program writes.
std::vector<Tensor> Trace::State::Segment::written() const {
  std::vector<Tensor> targets;
  for (const ResultSlot &slot : plan.slots)
    if (slot.into >= 0)
      targets.push_back(sources[size_t(slot.into)]);
  return targets;
}

// The outputs of its graph after a run that filled `made`.
std::vector<Tensor> Trace::State::Segment::outputs(const std::vector<Ref<Storage>> &made) const {
  std::vector<Tensor> values;
  for (int number : plan.outputSlots) {
    const ResultSlot &slot = plan.slots[size_t(number)];
    Tensor value(Ref<TensorImpl>::make());
    value.impl->storage = slot.into >= 0 ? sources[size_t(slot.into)].impl->storage : made[size_t(number)];
    value.impl->dtype = slot.type.dtype;
    value.impl->shape = slot.type.shape;
    value.impl->strides = contiguousStrides(slot.type.shape);
    values.push_back(value);
  }
  return values;
}

void Trace::State::endSegment() {
  for (Storage *storage : lazies)
    if (storage)
      storage->lazyTrace = nullptr;
  lazies.clear();
  inputs.clear();
  inputsOf.clear();
  mergedInputs.clear();
  nodes.clear();
  mutated.clear();
  checks.clear();
  touchesShared = false;
  forgetPlaces();
  generatorState = {};
  numbers.clear();
  randomCount = 0;
  static std::atomic<uint64_t> next{uint64_t(1) << 40};
  segment = next++;
}

Trace::State::Modes Trace::State::Modes::now() {
  return {gradEnabled(),         weft::defaultDType(),  weft::defaultDevice(),
          cuda::currentDevice(), weft::autocastDType(), weft::tapeScopes()};
}

void Trace::State::failSegment() {
  if (randomCount)
    Generator::defaultGenerator().putBack(drawnFrom, randomCount);
  putVersionsBack(mutated);
  putHistoriesBack();
  for (const GradNote &note : grads)
    if (Tensor now = note.leaf.grad(); note.written && now.defined() && now.impl->storage->lazyTrace == trace)
      note.leaf.impl->autograd->grad = note.before;
  endSegment();
}

void Trace::drop() {
  std::vector<State::Mutation> mutated = state->mutated;
  state->failSegment();
  if (state->reason.empty())
    state->undo(mutated);
  state->gaveUp = true;
}

void Trace::State::abandon() { endSegment(); }

void Trace::State::putVersionsBack(const std::vector<Mutation> &mutations) {
  for (const Mutation &mutation : mutations)
    mutation.target.impl->storage->version = mutation.version;
}

void Trace::State::undo(const std::vector<Mutation> &mutations) {
  putVersionsBack(mutations);
  for (const GradNote &note : grads)
    if (note.written && note.leaf.impl->autograd)
      note.leaf.impl->autograd->grad = note.before;
  putHistoriesBack();
}

std::shared_ptr<CompiledCall> Trace::finish(const std::vector<Tensor> &outputs) {
  auto call = std::make_shared<CompiledCall>();
  call->gradMode = state->modes.grad;
  call->defaultDType = state->modes.defaultDType;
  call->defaultDevice = state->modes.defaultDevice;
  call->cudaDevice = state->modes.cudaDevice;
  call->autocastDType = state->modes.autocast;
  call->tapeScopes = state->modes.tapeScopes;
  if (!(state->modes == State::Modes::now()))
    notReplayable(
        "it leaves grad mode, autocast, the default dtype or the default device otherwise than it found them");
  {
    Pause pause;
    bool whole = state->reason.empty();
    std::vector<State::Mutation> mutated = state->mutated;
    try {
      state->runSegment(whole ? call.get() : nullptr, outputs);
    } catch (const CheckFailure &) {
      if (!state->reason.empty())
        throw;
      state->undo(mutated);
      call = nullptr;
    } catch (...) {
      if (state->reason.empty())
        state->undo(mutated);
      throw;
    }
  }
  end();
  if (!call)
    return call;
  call->reason = state->reason;
  call->replayable = state->reason.empty();
  call->flushes = state->flushes;
  state->arguments.clear();
  state->reached.reset();
  state->grads.clear();
  state->gradOf.clear();
  state->inputChecks.clear();
  return call;
}

} // namespace weft
