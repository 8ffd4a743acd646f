// The end of a trace segment: its graph, what is run, and the description of the whole call.
#include "frontend/Autograd.h"
#include "frontend/Dispatch.h"
#include "frontend/Executables.h"
#include "frontend/Generator.h"
#include "frontend/Ops.h"
#include "frontend/TraceState.h"

#include <atomic>

namespace weft {

Graph Trace::State::buildGraph(const std::vector<ValueId> &wanted, std::vector<Tensor> &used,
                               std::vector<ValueId> &ids) const {
  std::vector<char> inputNeeded(inputs.size()), nodeNeeded(nodes.size());
  auto need = [&](ValueId v) { (v < kFirstNode ? inputNeeded[size_t(v)] : nodeNeeded[size_t(v - kFirstNode)]) = 1; };
  for (ValueId v : wanted)
    need(v);
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
    if (nodeNeeded[n]) {
      std::vector<ValueId> operands;
      for (ValueId v : nodes[n].operands)
        operands.push_back(id(v));
      nodeId[n] = graph.addNode(nodes[n].op, std::move(operands), nodes[n].attrs, nodes[n].type, nodes[n].location);
    }
  graph.locations = locations;
  for (ValueId v : wanted)
    ids.push_back(id(v));
  return graph;
}

Graph Trace::graphOf(const std::vector<Tensor> &outputs, std::vector<Tensor> &graphInputs) {
  std::vector<ValueId> wanted, ids;
  for (const Tensor &t : outputs)
    wanted.push_back(valueOf(t));
  Graph graph = state->buildGraph(wanted, graphInputs, ids);
  graph.outputs = ids;
  return graph;
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
  segment.graph = buildGraph(wanted, segment.inputs, ids);
  Graph &graph = segment.graph;
  SegmentPlan &plan = segment.plan;
  plan.device = device;
  segment.sources = segment.inputs;
  for (size_t i = 0; i < segment.inputs.size(); ++i)
    plan.inputs.push_back(int(i));

  std::unordered_map<ValueId, int> outputOf; // the slot that has the value
  for (size_t i = 0; i < segment.storages.size(); ++i) {
    Storage *storage = segment.storages[i].get();
    ResultSlot slot;
    slot.type = storage->lazyType;
    int donated = -1;
    for (const Tensor &target : mutated) {
      if (target.impl->storage.get() != storage)
        continue;
      int readers = 0;
      for (size_t k = 0; k < segment.inputs.size(); ++k)
        if (segment.inputs[k].impl->storage.get() == storage) {
          ++readers;
          if (segment.inputs[k].isContiguous() && segment.inputs[k].type() == slot.type &&
              segment.inputs[k].offset() == 0)
            donated = int(k);
        }
      slot.viaCopy = readers > (donated >= 0 ? 1 : 0);
      if (slot.viaCopy)
        donated = -1;
      slot.into = int(segment.sources.size());
      segment.sources.push_back(target);
      break;
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
  Segment segment = planSegment();
  if (!segment.plan.outputSlots.empty()) {
    segment.plan.executable = executableFor(segment.graph, device);
    // A donation that the compiler could not take, since the program still reads the memory when it writes the output.
    for (size_t i = 0; i < segment.graph.donations.size(); ++i)
      if (int32_t donated = segment.graph.donations[i]; donated >= 0)
        segment.plan.slots[segment.plan.outputSlots[i]].viaCopy |=
            segment.plan.executable->outputAlias(int(i)) != donated;
  }
  if (call)
    describe(*call, segment, outputs);
  // From here on the storages are plain memory again; those that are written to get their values in place.
  for (Ref<Storage> &storage : segment.storages)
    storage->lazyTrace = nullptr;
  try {
    segment.plan.run(segment.sources.data(), segment.storages.data());
  } catch (...) {
    endSegment();
    throw;
  }
  endSegment();
}

void Trace::State::endSegment() {
  if (randomCount)
    Generator::defaultGenerator().advance(randomCount);
  for (Storage *storage : lazies)
    if (storage)
      storage->lazyTrace = nullptr;
  lazies.clear();
  inputs.clear();
  inputsOf.clear();
  nodes.clear();
  mutated.clear();
  locations.clear();
  generatorState = {};
  randomCount = 0;
  static std::atomic<uint64_t> next{uint64_t(1) << 40};
  segment = next++;
}

void Trace::State::abandon() { endSegment(); }

// ---------------------------------------------------------------- The call as a whole

// The number of the source that gives `t` in `call`.
int Trace::State::sourceOf(CompiledCall &call, Segment &segment, const Tensor &t) {
  TensorSource source;
  auto same = [&](const Tensor &other) { return other.defined() && other.is(t); };
  auto shares = [&](const Tensor &other) { return other.defined() && other.impl->storage && other.sharesStorage(t); };
  auto add = [&](TensorSource made, const Tensor &root) {
    if (!root.is(t)) {
      made.isView = true;
      made.shape = t.shape();
      made.strides = t.strides();
      made.offset = t.offset() - root.offset();
    }
    call.sources.push_back(made);
    segment.sources.push_back(t);
    return int(call.sources.size()) - 1;
  };
  for (size_t i = 0; i < call.sources.size(); ++i)
    if (same(segment.sources[i]))
      return int(i);
  if (generatorState.defined() && same(generatorState)) {
    source.kind = TensorSource::Kind::GeneratorState;
    return add(source, t);
  }
  for (size_t i = 0; i < arguments.size(); ++i)
    if (shares(arguments[i])) {
      source.kind = TensorSource::Kind::Argument;
      source.index = int(i);
      return add(source, arguments[i]);
    }
  for (const GradNote &note : grads)
    if (note.read && shares(note.before)) {
      source.kind = TensorSource::Kind::Grad;
      source.index = sourceOf(call, segment, note.leaf);
      return add(source, note.before);
    }
  source.index = int(call.captured.size());
  call.captured.push_back(t);
  return add(source, t);
}

void Trace::State::describe(CompiledCall &call, Segment &segment, const std::vector<Tensor> &outputs) {
  call.opCount = int(segment.graph.nodes.size());
  call.graph = segment.graph;
  call.randomCount = randomCount;
  call.argumentCount = int(arguments.size());
  call.outputCount = int(outputs.size());
  auto refuse = [&](const std::string &why) { trace->notReplayable(why); };

  // Sources are renumbered: the arguments come first.
  std::vector<Tensor> before = std::move(segment.sources);
  segment.sources.clear();
  for (size_t i = 0; i < arguments.size(); ++i) {
    TensorSource source;
    source.kind = TensorSource::Kind::Argument;
    source.index = int(i);
    call.sources.push_back(source);
    segment.sources.push_back(arguments[i]);
  }
  std::vector<int> renumbered;
  for (const Tensor &t : before)
    renumbered.push_back(sourceOf(call, segment, t));
  for (int &input : segment.plan.inputs)
    input = renumbered[size_t(input)];
  for (ResultSlot &slot : segment.plan.slots) {
    if (slot.into >= 0) {
      slot.into = renumbered[size_t(slot.into)];
      const Tensor &target = segment.sources[size_t(slot.into)];
      if (target.impl->storage->bornInTrace == number)
        refuse("a tensor made from data in the call is written to");
      if (target.requiresGrad() && !target.isLeaf())
        refuse("a tensor from outside gets a history on the tape");
    }
    if (slot.from == ResultSlot::From::CopyOfSource)
      slot.index = renumbered[size_t(slot.index)];
  }

  std::vector<bool> returned(segment.storages.size());
  auto resultOf = [&](const Tensor &t) {
    TensorResult result;
    result.dtype = t.dtype();
    result.shape = t.shape();
    result.strides = t.strides();
    result.offset = t.offset();
    TapeNode *history = tapeNode(*t.impl);
    if (history && !history->released) // one that backward() used up is of no use to anybody
      refuse("a result has a history on the tape; return result.detach(), or call under no_grad()");
    for (size_t i = 0; i < segment.storages.size(); ++i)
      if (segment.storages[i] == t.impl->storage && segment.plan.slots[i].into < 0) {
        result.fresh = true;
        result.index = int(i);
        returned[i] = true;
        if (t.requiresGrad() && !history)
          refuse("a result made in the call requires grad");
        return result;
      }
    result.index = sourceOf(call, segment, t);
    const TensorSource &source = call.sources[size_t(result.index)];
    result.same = true;
    result.offset = 0;
    if (source.kind == TensorSource::Kind::Captured && t.impl->storage->bornInTrace == number)
      refuse("a result is a tensor made from data in the call");
    return result;
  };
  for (const Tensor &output : outputs)
    call.results.push_back(resultOf(output));
  for (const GradNote &note : grads) {
    int owner = sourceOf(call, segment, note.leaf);
    if (note.read)
      call.gradReads.push_back({owner, note.before.defined()});
    Tensor after = note.leaf.impl->autograd ? note.leaf.impl->autograd->grad : Tensor();
    if (!note.written || (note.read && after.defined() && after.is(note.before)))
      continue;
    int result = -1;
    if (after.defined()) {
      result = int(call.results.size());
      call.results.push_back(resultOf(after));
    }
    call.gradWrites.push_back({owner, result});
  }
  for (size_t i = 0; i < segment.storages.size(); ++i)
    if (segment.plan.slots[i].into < 0 && !returned[i])
      refuse("a tensor made in the call stays alive after it");
  for (size_t i = 0; i < segment.sources.size(); ++i) {
    const Tensor &t = segment.sources[i];
    call.guards.push_back(guardOf(t));
    int first = int(i);
    for (size_t k = 0; k < i; ++k)
      if (segment.sources[k].sharesStorage(t)) {
        first = int(k);
        break;
      }
    call.sameStorage.push_back(first);
  }
  call.plan = segment.plan;
}

std::shared_ptr<CompiledCall> Trace::finish(const std::vector<Tensor> &outputs) {
  auto call = std::make_shared<CompiledCall>();
  call->gradMode = gradEnabled();
  call->defaultDType = weft::defaultDType();
  {
    Pause pause;
    bool whole = state->reason.empty();
    state->runSegment(whole ? call.get() : nullptr, outputs);
  }
  end();
  call->reason = state->reason;
  call->replayable = state->reason.empty();
  call->flushes = state->flushes;
  state->arguments.clear();
  state->grads.clear();
  return call;
}

} // namespace weft
