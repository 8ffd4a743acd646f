#include "frontend/trace/TraceDescription.h"

#include <algorithm>
#include <unordered_set>

namespace weft {

void Trace::State::Description::describe(const std::vector<Tensor> &outputs) {
  call.graph = segment.graph;
  call.graph.locations = state.lines();
  call.randomCount = state.randomCount;
  call.argumentCount = int(state.arguments.size());
  call.outputCount = int(outputs.size());
  for (size_t i = 0; i < segment.storages.size(); ++i)
    if (segment.plan.slots[i].into < 0)
      freshSlots.emplace(segment.storages[i].get(), int(i));
  returned.resize(segment.storages.size());

  addRoots();
  renumberSources();
  for (auto &[values, check] : state.inputChecks)
    call.inputChecks.emplace_back(sourceOf(values), check);
  for (const Tensor &output : outputs)
    addResult(output, false);
  describeGradients();
  pairRoots();
  for (size_t i = 0; i < resultTensors.size(); ++i) // bases are added on the way
    noteHistory(int(i));
  describeTape();
  for (auto &[storage, slot] : freshSlots)
    if (!returned[size_t(slot)])
      refuse("a tensor made in the call stays alive after it");
  describeGuards();
}

// ---------------------------------------------------------------- Sources

const Tensor &Trace::State::Description::tensorOf(const Root &root) const {
  switch (root.kind) {
  case TensorSource::Kind::Argument:
    return state.arguments[size_t(root.index)];
  case TensorSource::Kind::Grad:
    return state.grads[size_t(root.index)].before;
  default:
    return (*state.reached)[size_t(root.index)];
  }
}

void Trace::State::Description::addRoots() {
  auto add = [&](TensorSource::Kind kind, size_t index) {
    const Tensor &t = tensorOf({kind, int(index)});
    if (kind == TensorSource::Kind::Captured && !call.reached.insert(t.impl.get()).second)
      return; // one object found twice, which the host's guards know
    rootOfTensor.emplace(t.impl.get(), roots.size());
    rootsOn[t.impl->storage.get()].push_back(roots.size());
    roots.push_back({kind, int(index)});
  };
  for (size_t i = 0; i < state.arguments.size(); ++i)
    add(TensorSource::Kind::Argument, i);
  for (size_t i = 0; state.reached && i < state.reached->size(); ++i)
    add(TensorSource::Kind::Captured, i);
  for (size_t i = 0; i < state.grads.size(); ++i)
    if (const GradNote &note = state.grads[i]; note.read && note.before.defined())
      add(TensorSource::Kind::Grad, i);
  rootSources.assign(roots.size(), -1);
}

int Trace::State::Description::sourceOfRoot(size_t number) {
  if (rootSources[number] >= 0)
    return rootSources[number];
  const Root &root = roots[number];
  Tensor t = tensorOf(root);
  TensorSource source;
  source.kind = root.kind;
  if (root.kind == TensorSource::Kind::Captured) {
    source.index = int(call.captured.size());
    call.captured.push_back(t);
  } else if (root.kind == TensorSource::Kind::Grad) {
    source.index = sourceOf(state.grads[size_t(root.index)].leaf);
  } else {
    source.index = root.index;
  }
  return rootSources[number] = addSource(source, t, t);
}

// A tensor that was found in two ways is one at each call, or the call is another one.
void Trace::State::Description::pairRoots() {
  for (size_t i = 0; i < roots.size(); ++i) {
    size_t first = rootOfTensor.at(tensorOf(roots[i]).impl.get());
    if (first != i)
      call.sameTensors.emplace_back(sourceOfRoot(first), sourceOfRoot(i));
  }
  for (const Tensor &argument : state.arguments)
    call.reachedArguments += call.reached.count(argument.impl.get());
  // What is at one of them was taken for what is at the other.
  for (const Tensor &t : state.mergedInputs)
    rootBelow(t);
  for (const Mutation &mutation : state.mutated)
    rootBelow(mutation.target);
}

// The number of a root on the tensor's memory. Where there are several, the way from one to the other is guarded.
std::optional<size_t> Trace::State::Description::rootBelow(const Tensor &t) {
  auto found = rootsOn.find(t.impl->storage.get());
  if (found == rootsOn.end())
    return {};
  size_t first = found->second[0];
  for (size_t i : std::exchange(found->second, {first}))
    if (const Tensor &from = tensorOf(roots[first]), &to = tensorOf(roots[i]); !from.is(to))
      call.distances.push_back({sourceOfRoot(first), sourceOfRoot(i), bytesBetween(from, to)});
  return first;
}

// The arguments come first.
void Trace::State::Description::renumberSources() {
  std::vector<Tensor> before = std::move(segment.sources);
  segment.sources.clear();
  for (size_t i = 0; i < state.arguments.size(); ++i) {
    TensorSource source;
    source.kind = TensorSource::Kind::Argument;
    source.index = int(i);
    rootSources[i] = addSource(source, state.arguments[i], state.arguments[i]);
  }
  std::vector<int> renumbered;
  for (const Tensor &t : before)
    renumbered.push_back(sourceOf(t));
  for (int &input : segment.plan.inputs)
    input = renumbered[size_t(input)];
  for (ResultSlot &slot : segment.plan.slots) {
    if (slot.into >= 0) {
      slot.into = renumbered[size_t(slot.into)];
      const Tensor &target = segment.sources[size_t(slot.into)];
      if (target.impl->storage->bornInTrace == state.number)
        refuse("a tensor made from data in the call is written to");
      if (target.requiresGrad() && !target.isLeaf())
        refuse("a tensor from outside gets a history on the tape");
    }
    if (slot.from == ResultSlot::From::CopyOfSource)
      slot.index = renumbered[size_t(slot.index)];
  }
}

int Trace::State::Description::addSource(TensorSource source, const Tensor &root, const Tensor &t) {
  if (!root.is(t)) {
    source.isView = true;
    source.shape = t.shape();
    source.strides = t.strides();
    source.offset = t.offset() - root.offset();
  }
  int number = int(call.sources.size());
  call.sources.push_back(source);
  segment.sources.push_back(t);
  sources.emplace(t.impl.get(), number);
  if (TapeNode *node = tapeNode(*t.impl))
    sourceOfNode.emplace(node, number);
  return number;
}

// The number of the source that gives `t`.
int Trace::State::Description::sourceOf(const Tensor &t) {
  if (auto known = sources.find(t.impl.get()); known != sources.end())
    return known->second;
  TensorSource source;
  if (state.generatorState.defined() && state.generatorState.is(t)) {
    source.kind = TensorSource::Kind::GeneratorState;
    return addSource(source, t, t);
  }
  for (auto &[number, reader] : state.numbers)
    if (number.is(t)) {
      source.kind = TensorSource::Kind::Number;
      source.index = int(call.numbers.size());
      call.numbers.push_back(reader);
      return addSource(source, t, t);
    }
  if (auto root = rootOfTensor.find(t.impl.get()); root != rootOfTensor.end())
    return sourceOfRoot(root->second);
  if (std::optional<size_t> root = rootBelow(t)) {
    int number = sourceOfRoot(*root);
    source = call.sources[size_t(number)];
    return addSource(source, segment.sources[size_t(number)], t);
  }
  if (state.reached && t.impl->storage->bornInTrace != state.number)
    refuse("it reads a tensor that is reached in a way that cannot be guarded");
  source.index = int(call.captured.size());
  call.captured.push_back(t);
  return addSource(source, t, t);
}

// ---------------------------------------------------------------- Results

// The number of the result that is `t`.
int Trace::State::Description::resultOf(const Tensor &t, bool isKept) {
  auto known = results.find(t.impl.get());
  return known != results.end() ? known->second : addResult(t, isKept);
}

// isKept: for the tape alone, where nobody can write to it and its own history does not matter.
int Trace::State::Description::addResult(const Tensor &t, bool isKept) {
  int number = int(call.results.size());
  results[t.impl.get()] = number;
  TensorResult result;
  result.dtype = t.dtype();
  result.shape = t.shape();
  result.strides = t.strides();
  result.offset = t.offset();
  result.noGradView = t.impl->noGradView;
  result.viewsRequiring = t.impl->viewsRequiring;
  const TapeNode *history = tapeNode(*t.impl);
  if (auto slot = freshSlots.find(t.impl->storage.get()); slot != freshSlots.end()) {
    result.fresh = true;
    result.index = slot->second;
    returned[size_t(slot->second)] = true;
    if (t.requiresGrad() && !history)
      refuse("a result made in the call requires grad");
  } else if (history && isOfCall(history) && t.impl->base) { // a view of a tensor from outside
    Tensor base(t.impl->base);
    result.index = sourceOf(base);
    result.offset = t.offset() - base.offset();
  } else {
    result.index = sourceOf(t);
    result.same = true;
    result.offset = 0;
    if (call.sources[size_t(result.index)].isView && t.requiresGrad())
      refuse("a result made in the call requires grad");
    if (!isKept && call.sources[size_t(result.index)].kind == TensorSource::Kind::Captured &&
        t.impl->storage->bornInTrace == state.number)
      refuse("a result is a tensor made from data in the call");
  }
  call.results.push_back(result);
  resultTensors.push_back(t);
  return number;
}

// A result's place on the tape, for later operations on it.
void Trace::State::Description::noteHistory(int result) {
  if (call.results[size_t(result)].same)
    return; // it has its own
  TensorImpl &impl = *resultTensors[size_t(result)].impl;
  TapeNode *node = tapeNode(impl);
  if (node && !node->released) // one that backward() used up is of no use to anybody
    histories.emplace_back(result, node);
  if (impl.base) {
    int base = resultOf(Tensor(impl.base), false);
    call.results[size_t(result)].base = base;
  }
}

void Trace::State::Description::describeGradients() {
  for (const GradNote &note : state.grads) {
    int owner = sourceOf(note.leaf);
    if (note.read)
      call.gradReads.push_back({owner, note.before.defined()});
    Tensor after = note.leaf.impl->autograd ? note.leaf.impl->autograd->grad : Tensor();
    if (!note.written || (note.read && after.defined() && after.is(note.before)))
      continue;
    call.gradWrites.push_back({owner, after.defined() ? resultOf(after, false) : -1});
  }
}

// ---------------------------------------------------------------- The tape

// The nodes that the results' histories consist of, as far as the call made them.
void Trace::State::Description::describeTape() {
  std::vector<TapeNode *> nodes;
  std::unordered_set<TapeNode *> seen;
  auto add = [&](TapeNode *node) {
    if (node && isOfCall(node) && seen.insert(node).second)
      nodes.push_back(node);
  };
  for (auto &[result, node] : histories)
    add(node);
  for (size_t i = 0; i < nodes.size(); ++i)
    for (const TapeOperand &operand : nodes[i]->operands)
      add(operand.node.get());
  std::sort(nodes.begin(), nodes.end(), [](TapeNode *a, TapeNode *b) { return a->order < b->order; });

  std::unordered_map<TapeNode *, int> numbers;
  for (TapeNode *node : nodes) {
    if (hasHooks(node->hooks) || (node->resultMeta && node->resultMeta->retainGrad))
      refuse("a hook or retain_grad() is on a tensor made in the call");
    if (node->function)
      refuse("a result has a custom function in its history");
    if (node->emptied)
      refuse("backward() has used up a part of a result's history");
    CallTapeNode recorded{node->op, node->number, node->attrs, node->type, node->device, {}, {}, {}};
    for (const TapeOperand &operand : node->operands)
      recorded.operands.push_back(describeOperand(operand, numbers));
    recorded.savedResult = kept(node->result);
    for (const TapeNode::OtherResult &other : node->others)
      recorded.others.emplace_back(other.type, kept(other.saved));
    numbers.emplace(node, int(call.tape.size()));
    call.tape.push_back(std::move(recorded));
  }
  for (auto &[result, node] : histories)
    call.results[size_t(result)].history = numbers.at(node);
}

CallTapeNode::Operand Trace::State::Description::describeOperand(const TapeOperand &operand,
                                                                 const std::unordered_map<TapeNode *, int> &numbers) {
  CallTapeNode::Operand recorded;
  recorded.type = operand.type;
  if (operand.leaf) {
    recorded.source = sourceOf(Tensor(operand.leaf));
    if (freshSlots.count(operand.leaf->storage.get()) || call.sources[size_t(recorded.source)].isView)
      refuse("a leaf made in the call requires grad");
  } else if (operand.node && isOfCall(operand.node.get())) {
    recorded.node = numbers.at(operand.node.get());
  } else if (operand.node) {
    auto source = sourceOfNode.find(operand.node.get());
    if (source == sourceOfNode.end())
      refuse("it depends on the history of a tensor that it does not read");
    else
      recorded.source = source->second;
  }
  recorded.saved = kept(operand.saved);
  return recorded;
}

CallTapeNode::Kept Trace::State::Description::kept(const SavedTensor &saved) {
  if (!saved.impl || !saved.impl->storage) // packed by a hook, which was refused
    return {};
  return {resultOf(Tensor(saved.impl), true), saved.impl->storage->version - saved.version};
}

// ---------------------------------------------------------------- Guards

void Trace::State::Description::describeGuards() {
  std::unordered_map<const Storage *, int> first; // source on the storage
  for (size_t i = 0; i < segment.sources.size(); ++i) {
    const Tensor &t = segment.sources[i];
    call.guards.push_back(guardOf(t));
    if (call.sources[i].isView) // made in the call, which says what is required of it
      call.guards.back().requiresGrad = call.guards.back().tape = 0;
    call.sameStorage.push_back(first.emplace(t.impl->storage.get(), int(i)).first->second);
  }
  std::unordered_set<const Storage *> written;
  for (const Mutation &mutation : state.mutated)
    written.insert(mutation.target.impl->storage.get());
  std::vector<int> sharing(segment.sources.size()); // sources on the memory of this one, the first there
  for (int number : call.sameStorage)
    ++sharing[size_t(number)];
  // How sources on written memory lie to each other. A tensor that is the whole of its memory lies nowhere else.
  for (size_t i = 0; i < segment.sources.size(); ++i) {
    const Tensor &t = segment.sources[i];
    const Storage &storage = *t.impl->storage;
    bool isWhole = t.offset() == 0 && t.isContiguous() && t.numel() * itemSize(t.dtype()) == storage.bytes;
    bool isAlone = sharing[size_t(call.sameStorage[i])] == 1;
    if (!(isWhole && isAlone) && written.count(&storage))
      call.places.push_back({int(i), t.offset(), storage.bytes});
  }
}

} // namespace weft
